// Changes the sources of a few modules as node loads them, so that a synthesis does not pay for what it never uses.
// Loaded by NODE_OPTIONS=--require, see bindings.py; every other module is left as it is. What V8 compiles is kept.
const crypto = require("node:crypto");
const fs = require("node:fs");
const Module = require("node:module");
const path = require("node:path");
const v8 = require("node:v8");
const vm = require("node:vm");

const FORWARD_DECLARATIONS = /^exports\.\w+ = (?:exports\.\w+ = )*void 0;$/gm;
const EAGER = /^exports\.(\w+) = (?:__importStar\()?require\("(\.\/[\w/-]+)"\)\)?;$/gm;
const ON_DEMAND = 'Object.defineProperty(exports, "$1", { enumerable: true, configurable: true, get: () => require("$2") });';

// jsii's program for a node that its entry starts, with a pipe numbered 3 to the entry. dr/node.py starts it itself: it
// talks over its own pipes, and wraps what is printed as the entry does, for Python to print.
const CHANNEL = "readFD:3,writeFD:3";
const WRAPPED_OUTPUT = `
  const write = process.stderr.write.bind(process.stderr);
  for (const name of ["stdout", "stderr"])
    process[name].write = (data, ...rest) =>
      write(JSON.stringify({ [name]: Buffer.from(data).toString("base64") }) + "\\n", ...rest);
  process.execArgv.push("--preserve-symlinks");
`;

// Python names a resource's attribute before it has the token that stands for it: an object's number and a property.
// Here that name becomes the token, wherever it is in a request.
const NAMED = `
  const tokens = {};
  let asked;
  const read = (line) => {
    const request = JSON.parse(line.replace(/\\$\\{TfToken\\[TOKEN\\.(\\d+\\.\\w+)\\]\\}/g, (name, attribute) => tokens[attribute] ?? name));
    asked = request.api === "get" ? request.objref["$jsii.byref"].split("@").pop() + "." + request.property : undefined;
    return request;
  };
  const written = (answer) => {
    if (typeof answer.ok?.value === "string") tokens[asked] = answer.ok.value;
    return JSON.stringify(answer);
  };
`;
const READ = "const p=JSON.parse(e);return this.debug";
const WRITE = "write(e){const p=JSON.stringify(e);";

// An assertion that writes its message first, with what it inspects; and packages of 34 MB hashed 16 kB at a time,
// in each run, only to find their unpacked copies.
const EAGER_MESSAGE = /\(0,\w+\.default\)\((null!=\w+),`Kernel error: expected type information/g;
const SMALL_CHUNK = "Buffer.alloc(16384)";
const DIGEST = "return readFileChunks(e,()=>{},...p)";
const KEPT_DIGEST = DIGEST.replace("return ", "return process.keptDigest(e,p,()=>") + ")";
// A file beside the program, which Python's package names by its folder as well.
const WORKER = '"runtime-index-worker.js"';

// What resolving a value without a token gives, or this function itself where a token may be in it.
function copyOfPlain(value) {
  if (value === undefined || value === null || typeof value === "boolean" || (typeof value === "number" && value >= 0)) return value;
  if (typeof value === "string") return /Tok|[-|\d.+]e[-|\d.eE+]/.test(value) ? copyOfPlain : value;
  if (typeof value !== "object") return copyOfPlain;
  const list = Array.isArray(value);
  if (!list && Object.getPrototypeOf(value) !== Object.prototype) return copyOfPlain;
  const copy = list ? [] : {};
  for (const [key, member] of Object.entries(value)) {
    const copied = copyOfPlain(key) === copyOfPlain ? copyOfPlain : copyOfPlain(member);
    if (copied === copyOfPlain) return copyOfPlain;
    if (copied === undefined) continue;
    if (list) copy.push(copied);
    else copy[key] = copied;
  }
  return copy;
}

const CHANGES = [
  // The package itself, or its unpacked copy in the cache: provider-aws/<version>/<hash>/lib/index.js.
  [/\/provider-aws\/(?:[^/]+\/)*lib\/index\.js$/, (source) => source.replace(FORWARD_DECLARATIONS, "").replace(EAGER, ON_DEMAND)],
  // 200 modules that pack folders: the project's one asset is a file.
  [/\/cdktf\/(?:[^/]+\/)*lib\/private\/fs\.js$/, (source) => source.replace(/^const archiver = (require\("archiver"\));$/m, "const archiver = (...given) => $1(...given);")],
  // For each token a trace of node's own frames, which says nothing of the Python code that made it.
  [/\/cdktf\/(?:[^/]+\/)*lib\/tokens\/private\/stack-trace\.js$/, () => "exports.captureStackTrace = () => [];"],
  // Most of what is resolved holds no token, and all of it is resolved three times.
  [/\/cdktf\/(?:[^/]+\/)*lib\/tokens\/private\/resolve\.js$/, (source) => source.replace(/^function resolve\(obj, options\) \{$/m, `${copyOfPlain}\n$&\n    const copy = copyOfPlain(obj);\n    if (copy !== copyOfPlain) return copy;`)],
  [/\/lib__program\.js$/, (source) => WRAPPED_OUTPUT + NAMED + source.replace(READ, READ.replace("JSON.parse", "read")).replace(WRITE, WRITE.replace("JSON.stringify", "written")).replace(CHANNEL, "readFD:0,writeFD:1").replace(WORKER, '"lib__runtime-index-worker.js"').replace(EAGER_MESSAGE, "$1||$&").replace(SMALL_CHUNK, "Buffer.alloc(2**20)").replace(DIGEST, KEPT_DIGEST)],
];

// Kept beside Python's bytecode: what V8 compiled of each source, by the source's hash, and the hashes of packages.
// V8 ends at a damaged code cache: the file begins with its own hash.
const KEPT = path.join(__dirname, "__pycache__", `node-${process.version}-${process.arch}.cache`);
const hash = (content) => crypto.createHash("sha1").update(content).digest();
const kept = (() => {
  try {
    const file = fs.readFileSync(KEPT);
    return hash(file.subarray(20)).equals(file.subarray(0, 20)) ? v8.deserialize(file.subarray(20)) : {};
  } catch {
    return {};
  }
})();
const added = {};

// Any other node that Python starts with this is left to compile as ever: npm, or what `node --eval` is given.
let isProgram = false;

const compile = Module.prototype._compile;
Module.prototype._compile = function (source, filename, ...rest) {
  const name = filename.replaceAll("\\", "/");
  isProgram ||= name.endsWith("/lib__program.js");
  const [, change] = CHANGES.find(([file]) => file.test(name)) ?? [];
  const changed = change ? change(source) : source;
  if (!isProgram) return compile.call(this, changed, filename, ...rest);
  const code = Module.wrap(changed);
  const key = hash(code).toString("base64");
  const script = new vm.Script(code, { filename, cachedData: kept[key] });
  if (!kept[key] || script.cachedDataRejected) added[key] = () => script.createCachedData();
  const run = script.runInThisContext();
  return run.call(this.exports, this.exports, Module.createRequire(filename), this, filename, path.dirname(filename));
};

process.keptDigest = (file, salt, compute) => {
  const { size, mtimeMs } = fs.statSync(file);
  const key = JSON.stringify([file, size, mtimeMs, ...salt]);
  if (kept[key]) return kept[key];
  const digest = compute();
  added[key] = () => digest;
  return digest;
};

process.on("exit", () => {
  if (Object.keys(added).length === 0) return;
  const made = Object.entries(added).map(([key, make]) => [key, make()]);
  const content = v8.serialize({ ...kept, ...Object.fromEntries(made) });
  try {
    fs.writeFileSync(`${KEPT}.${process.pid}`, Buffer.concat([hash(content), content]));
    fs.renameSync(`${KEPT}.${process.pid}`, KEPT);
  } catch {
    // A folder that cannot be written costs the next synthesis time, and nothing else.
  }
});
