// Changes the sources of a few modules as node loads them, so that a synthesis does not pay for what it never uses.
// Loaded by NODE_OPTIONS=--require, see bindings.py; every other module is left as it is.
const fs = require("node:fs");
const Module = require("node:module");
const path = require("node:path");

const FORWARD_DECLARATIONS = /^exports\.\w+ = (?:exports\.\w+ = )*void 0;$/gm;
const EAGER = /^exports\.(\w+) = (?:__importStar\()?require\("(\.\/[\w/-]+)"\)\)?;$/gm;
const ON_DEMAND = 'Object.defineProperty(exports, "$1", { enumerable: true, configurable: true, get: () => require("$2") });';

// jsii's entry starts a second node, which does the work, and hands every message on to it over a pipe numbered 3. This
// one does the work itself, over its own pipes; what node's side prints it wraps as the entry does, for Python to print.
const CHANNEL = "readFD:3,writeFD:3";
const IN_PROCESS = `
  const write = process.stderr.write.bind(process.stderr);
  for (const name of ["stdout", "stderr"])
    process[name].write = (data, ...rest) =>
      write(JSON.stringify({ [name]: Buffer.from(data).toString("base64") }) + "\\n", ...rest);
  process.execArgv.push("--preserve-symlinks");
  require("../lib/program.js");
`;

// An assertion that writes its message first, with what it inspects; and packages of 34 MB hashed 16 kB at a time.
const EAGER_MESSAGE = /\(0,\w+\.default\)\((null!=\w+),`Kernel error: expected type information/g;
const SMALL_CHUNK = "Buffer.alloc(16384)";

const holdsChannel = (folder) => fs.readFileSync(path.join(folder, "../lib/program.js"), "utf8").includes(CHANNEL);

const CHANGES = [
  // The package itself, or its unpacked copy in the cache: provider-aws/<version>/<hash>/lib/index.js.
  [/\/provider-aws\/(?:[^/]+\/)*lib\/index\.js$/, (source) => source.replace(FORWARD_DECLARATIONS, "").replace(EAGER, ON_DEMAND)],
  // 200 modules that pack folders: the project's one asset is a file.
  [/\/cdktf\/(?:[^/]+\/)*lib\/private\/fs\.js$/, (source) => source.replace(/^const archiver = (require\("archiver"\));$/m, "const archiver = (...given) => $1(...given);")],
  // For each token a trace of node's own frames, which says nothing of the Python code that made it.
  [/\/cdktf\/(?:[^/]+\/)*lib\/tokens\/private\/stack-trace\.js$/, () => "exports.captureStackTrace = () => [];"],
  // Most strings are plain names, most other values true or false: they hold no token to resolve.
  [/\/cdktf\/(?:[^/]+\/)*lib\/tokens\/private\/resolve\.js$/, (source) => source.replace(/^function resolve\(obj, options\) \{$/m, '$&\n    if (typeof obj === "boolean" || (typeof obj === "string" && /^[a-z_]+$/.test(obj))) return obj;')],
  [/\/bin\/jsii-runtime\.js$/, (source, folder) => (holdsChannel(folder) ? IN_PROCESS : source)],
  [/\/lib\/program\.js$/, (source) => source.replace(CHANNEL, "readFD:0,writeFD:1").replace(EAGER_MESSAGE, "$1||$&").replace(SMALL_CHUNK, "Buffer.alloc(2**20)")],
];

const compile = Module.prototype._compile;
Module.prototype._compile = function (source, filename, ...rest) {
  const name = filename.replaceAll("\\", "/");
  const [, change] = CHANGES.find(([file]) => file.test(name)) ?? [];
  return compile.call(this, change ? change(source, path.dirname(filename)) : source, filename, ...rest);
};
