// Turns the eager `exports.X = require("./x")` lines of the AWS bindings' index into getters, so that a service is read
// when it is first used. Loaded by NODE_OPTIONS=--require, see bindings.py; every other module is left as it is.
const Module = require("node:module");

// The package itself, or its unpacked copy in the cache: provider-aws/<version>/<hash>/lib/index.js.
const INDEX = /\/provider-aws\/(?:[^/]+\/)*lib\/index\.js$/;
const FORWARD_DECLARATIONS = /^exports\.\w+ = (?:exports\.\w+ = )*void 0;$/gm;
const EAGER = /^exports\.(\w+) = (?:__importStar\()?require\("(\.\/[\w/-]+)"\)\)?;$/gm;
const ON_DEMAND = 'Object.defineProperty(exports, "$1", { enumerable: true, configurable: true, get: () => require("$2") });';

const compile = Module.prototype._compile;
Module.prototype._compile = function (source, filename, ...rest) {
  const onDemand = INDEX.test(filename.replaceAll("\\", "/"))
    ? source.replace(FORWARD_DECLARATIONS, "").replace(EAGER, ON_DEMAND)
    : source;
  return compile.call(this, onDemand, filename, ...rest);
};
