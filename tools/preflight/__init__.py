"""Looks at a real account before a first deployment, and says what to do: `make preflight`.

It reads and simulates; it changes nothing. boto3 and dnspython come with requirements/dev.txt: a pipeline that only
deploys, and installs infra.txt alone, has no need to run it again.
"""
