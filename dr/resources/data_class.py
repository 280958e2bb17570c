"""What kind of data a store holds, which its tag tells: docs/threat-model.md says what each kind asks for."""

from collections.abc import Mapping
from enum import StrEnum


class DataClass(StrEnum):
    """The most sensitive data that a store may hold."""

    PHI = "phi"
    """Patients' records and documents, and copies of them."""
    AUDIT = "audit"
    """Who did what, and to whom: names patients, and is never changed."""
    OPERATIONS = "operations"
    """What tells how the platform does, and nothing of a patient."""

    @property
    def tag(self) -> Mapping[str, str]:
        """The tag of a store of that kind."""
        return {"DataClass": self.value}
