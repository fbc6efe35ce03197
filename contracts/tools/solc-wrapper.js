#!/usr/bin/env node
// Presents npm's solc (WebAssembly) to forge as if it were the native compiler, so that nothing is downloaded.
// Answers `--version` and `--standard-json`; anything else is refused.
"use strict";

const fs = require("fs");
const path = require("path");

// Loading the compiler takes more than a second, and forge asks for the version at every start.
const VERSION = "0.8.37+commit.f401782d.Emscripten.clang";

function optionValues(args, name) {
  return args.flatMap((arg, i) => (arg === name && i + 1 < args.length ? [args[i + 1]] : []));
}

function importer(roots) {
  return (name) => {
    for (const root of roots) {
      const file = path.resolve(root, name);
      const inside = path.relative(path.resolve(root), file);
      if (!inside.startsWith("..") && !path.isAbsolute(inside) && fs.existsSync(file)) {
        return { contents: fs.readFileSync(file, "utf8") };
      }
    }
    return { error: `File not found: ${name}` };
  };
}

function main(args) {
  if (args.includes("--version")) {
    process.stdout.write(`solc, the solidity compiler commandline interface\nVersion: ${VERSION}\n`);
    return 0;
  }
  if (!args.includes("--standard-json")) {
    process.stderr.write("solc-wrapper: only --version and --standard-json are supported\n");
    return 2;
  }
  const solc = require("solc");
  if (solc.version() !== VERSION) {
    process.stderr.write(`solc-wrapper: expected solc ${VERSION}, found ${solc.version()}\n`);
    return 3;
  }
  const withValue = new Set(["--base-path", "--include-path", "--allow-paths"]);
  const files = args.filter((arg, i) => !arg.startsWith("--") && !withValue.has(args[i - 1]));
  const input = fs.readFileSync(files.length > 0 ? files[0] : 0, "utf8");
  const roots = [...optionValues(args, "--base-path"), ...optionValues(args, "--include-path")];
  const callback = { import: importer(roots.length > 0 ? roots : ["."]) };
  process.stdout.write(solc.compile(input, callback));
  return 0;
}

process.exitCode = main(process.argv.slice(2));
