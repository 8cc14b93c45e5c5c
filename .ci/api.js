// Writes src/API.md: every public export with its docstring and its types, by entry point. Fails where an export has no docstring.
// `--check` writes nothing and fails where the page is not what the code says.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const page = join(root, 'src/API.md');
const { exports: entryPoints } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** The entry points and their source files. Weights and package.json are left out, because they are not code. */
const entries = Object.entries(entryPoints)
  .filter(([, target]) => target.types && !target.types.includes('*'))
  .map(([name, target]) => ({
    name: name === '.' ? 'raybox' : `raybox/${name.slice(2)}`,
    file: join(root, target.types.replace(/^\.\/dist\//, '').replace(/\.d\.ts$/, '.ts')),
  }));

const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
const program = ts.createProgram(
  entries.map(({ file }) => file),
  { ...options, noEmit: true, incremental: false, tsBuildInfoFile: undefined },
);
const checker = program.getTypeChecker();
const missing = [];

const text = (parts) =>
  ts
    .displayPartsToString(parts)
    .replace(/\s*\n\s*/g, ' ')
    .trim();

/** A docstring in one paragraph, what it throws and what its parameters mean as a list. */
function docOf(symbol) {
  const tags = symbol.getJsDocTags().map(({ name, text: parts }) => {
    const said = text(parts ?? []);
    if (name === 'param') return `- ${said.replace(/^(\S+)\s*(?:- )?/, '`$1`: ')}`;
    if (name === 'throws') return `- Throws: ${said}`;
    return name === 'returns' ? `- Returns ${said}` : undefined;
  });
  return { about: text(symbol.getDocumentationComment(checker)), tags: tags.filter(Boolean) };
}

const isPublic = (node) =>
  !ts.isPrivateIdentifier(node.name ?? node) &&
  !(ts.getCombinedModifierFlags(node) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected));

const printer = ts.createPrinter({ removeComments: true });

/** A declaration as a reader would write it: without bodies and values. */
function declared(node) {
  const source = node.getSourceFile();
  const print = (one) => printer.printNode(ts.EmitHint.Unspecified, one, source);
  if (ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node) || ts.isConstructorDeclaration(node)) {
    const signature = checker.getSignatureFromDeclaration(node);
    const name = node.name ? node.name.getText() : 'constructor';
    return name + checker.signatureToString(signature, node, FORMAT);
  }
  if (ts.isVariableDeclaration(node) || ts.isGetAccessor(node)) {
    const type = checker.getTypeAtLocation(node);
    return `${node.name.getText()}: ${checker.typeToString(type, node, FORMAT)}`;
  }
  if (ts.isTypeAliasDeclaration(node))
    return print(node)
      .replace(/^export /, '')
      .replace(/;$/, '');
  return print(node).replace(/;$/, '');
}
const FORMAT = ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.UseAliasDefinedOutsideCurrentScope;

const code = (value) => `\`${value.replace(/\s*\n\s*/g, ' ')}\``;

/** Fields and methods of an interface or a class, as a list. */
function membersOf(node) {
  return node.members
    .filter((member) => isPublic(member) && !ts.isConstructorDeclaration(member) && !ts.isSetAccessor(member))
    .flatMap((member) => {
      const symbol = member.name ? checker.getSymbolAtLocation(member.name) : undefined;
      const { about, tags } = symbol ? docOf(symbol) : { about: '', tags: [] };
      const thrown = tags.map((tag) => tag.replace(/^- /, '')).join('; ');
      return [
        `- ${code(declared(member))}${[about, thrown]
          .filter(Boolean)
          .map((one) => `: ${one}`)
          .join('')}`,
      ];
    });
}

function describe(symbol, entry) {
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const [node] = target.getDeclarations() ?? [];
  const { about, tags } = docOf(target);
  if (!about) missing.push(`${entry.name}: ${symbol.name} (${relative(root, node.getSourceFile().fileName)})`);
  const hasMembers = ts.isInterfaceDeclaration(node) || ts.isClassDeclaration(node);
  const kind = ts.isInterfaceDeclaration(node) ? 'interface' : ts.isClassDeclaration(node) ? 'class' : undefined;
  const heads = hasMembers
    ? [`${kind} ${symbol.name}${heritageOf(node)}`]
    : target
        .getDeclarations()
        .filter((one) => !one.body || target.getDeclarations().length === 1)
        .map(declared);
  return [
    `### ${symbol.name}`,
    `\`\`\`ts\n${heads.join('\n')}\n\`\`\``.replace('```ts', '```'),
    about,
    tags.join('\n'),
    hasMembers ? membersOf(node).join('\n') : '',
  ].filter(Boolean);
}

const heritageOf = (node) =>
  (node.heritageClauses ?? []).map((clause) => ` ${clause.getText().replace(/\s+/g, ' ')}`).join('');

/** Entry points of types alone export nothing by name. */
const symbolsOf = ({ file }) => checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(file)));
const described = entries.filter((entry) => symbolsOf(entry).length > 0);

const seen = new Map();
const sections = described.map((entry) => {
  const symbols = symbolsOf(entry);
  const paragraphs = symbols
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((symbol) => {
      const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
      const first = seen.get(target);
      if (first) return [`### ${symbol.name}`, `The same as in [${first}](#${first.replace(/\W/g, '')}).`];
      seen.set(target, entry.name);
      return describe(symbol, entry);
    });
  return [`## ${entry.name}`, ...paragraphs].join('\n\n');
});
const contents = `# All public exports

Made from the docstrings by \`npm run api\`; \`npm run check\` holds it against the code. What an operation
takes and gives is written in its file under \`src/ops\`.

${described.map(({ name }) => `- [${name}](#${name.replace(/\W/g, '')})`).join('\n')}

${sections.join('\n\n')}
`;

if (missing.length > 0) {
  console.error(`without a docstring:\n${missing.join('\n')}`);
  process.exit(1);
}
if (!process.argv.includes('--check')) writeFileSync(page, contents);
else if (readFileSync(page, 'utf8') !== contents) {
  console.error('src/API.md is not what the code says: npm run api');
  process.exit(1);
}
