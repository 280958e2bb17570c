// Runs a program in the Python of `node_modules`, with folders at /0, /1 and so on: node pyodide.mjs PROGRAM FOLDER...

import { readFileSync } from "node:fs";
import { loadPyodide } from "pyodide";

const [program, ...folders] = process.argv.slice(2);
const python = await loadPyodide();
folders.forEach((root, number) => {
  python.FS.mkdir(`/${number}`);
  python.FS.mount(python.FS.filesystems.NODEFS, { root }, `/${number}`);
});
try {
  python.runPython(readFileSync(program, "utf8"));
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
