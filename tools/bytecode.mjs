// Compiles the modules of one folder into another with the Python in `node_modules`: node bytecode.mjs BUNDLE BYTECODE

import { readFileSync } from "node:fs";
import { loadPyodide } from "pyodide";

const python = await loadPyodide({ env: { PYTHONHASHSEED: "0" } });
["/bundle", "/bytecode"].forEach((place, number) => {
  python.FS.mkdir(place);
  python.FS.mount(python.FS.filesystems.NODEFS, { root: process.argv[2 + number] }, place);
});
python.runPython(readFileSync(new URL("compile_bundle.py", import.meta.url), "utf8"));
