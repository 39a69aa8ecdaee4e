// Builds dist/ from src/: one file for what every command needs, and others that a role loads when it starts. The
// libraries are in them; dist/THIRD-PARTY-NOTICES.txt has their licences.
//
//   npm run build
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const dist = join(root, 'dist');

/** Required when they are first used (`createRequire` in src/), so each has a file of its own. */
const REQUIRED = ['http-proxy', 'yaml'];

/** Media types that we send, or that Koa falls back to. The whole database is an eighth of what a sidecar would load. */
const MEDIA_TYPE = /^text\/|^application\/(?:json|octet-stream|problem\+json|xml|x-www-form-urlencoded)$/;

/** Parts of libraries that nothing here uses: `assert` of Koa, worker threads of pino, summaries and exemplars of prom-client. */
const UNUSED = ['http-assert', 'thread-stream', 'tdigest', '@opentelemetry/api'];

/** What a sidecar loads. */
const CORE = ['src/roles/serve.ts', 'src/roles/proxy.ts'];

/** What is imported when it is needed. */
const LOADED_LATER = [
  'src/cli/run-check.ts',
  'src/cli/run-status.ts',
  'src/cli/run-shutdown.ts',
  'src/store/file-store.ts',
  'src/lease/redis-store.ts',
  'src/roles/tracing.ts',
  'src/roles/proxy.ts',
  'src/roles/serve.ts',
  'src/roles/hub.ts',
  'src/roles/injector.ts',
  'src/roles/simulator.ts',
  'src/roles/demo.ts',
  'src/server/self-signed.ts',
];

checkTypes();
rmSync(dist, { recursive: true, force: true });
const options = {
  absWorkingDir: root,
  outdir: dist,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  define: { 'process.env.NODE_ENV': '"production"' },
  // Names stay, and lines are short enough to say something in a stack.
  minifySyntax: true,
  minifyWhitespace: true,
  lineLimit: 160,
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
};
const program = await build({
  ...options,
  entryPoints: ['src/cli.ts'],
  // As globals, both are getters that run at each use.
  inject: [join(root, 'scripts/globals.mjs')],
  format: 'esm',
  splitting: true,
  chunkNames: '[name]-[hash]',
  plugins: [
    optionalPackages(),
    lazyPackages(),
    unusedParts(),
    builtins(),
    requiredFiles(),
    mediaTypes(),
    core(),
  ],
});
const libraries = await build({
  ...options,
  entryPoints: REQUIRED.map((name) => ({ in: name, out: name })),
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
});
const inputs = [program, libraries].flatMap(({ metafile }) => Object.keys(metafile.inputs));
writeFileSync(join(dist, 'THIRD-PARTY-NOTICES.txt'), notices(inputs));

function checkTypes() {
  const tsc = [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json', '--noEmit'];
  const { status } = spawnSync(process.execPath, tsc, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

/** Loaded from where they are installed, if they are. */
function optionalPackages() {
  return {
    name: 'optional packages',
    setup({ onResolve }) {
      onResolve({ filter: /^@opentelemetry\// }, ({ path, kind }) =>
        kind === 'dynamic-import' ? { path, external: true } : undefined,
      );
    },
  };
}

/** A CommonJS package that is imported when it is needed, with the names that it exports in Node. */
function lazyPackages() {
  return {
    name: 'packages that are imported when they are needed',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^[a-z]/ }, ({ path, kind }) =>
        kind === 'dynamic-import' ? { path, namespace: 'lazy' } : undefined,
      );
      onLoad({ filter: /^/, namespace: 'lazy' }, async ({ path }) => {
        const names = Object.keys(await import(path)).filter((name) => /^(?!default$)[a-z]\w*$/i.test(name));
        return {
          contents: `import whole from '${path}';\nexport default whole;\nexport const { ${names.join(', ')} } = whole;`,
          resolveDir: root,
        };
      });
    },
  };
}

/**
 * Node's own modules, not as ES modules: an import of `node:http` reads each of its exports, and thereby loads the
 * WebSocket client (6 MB and a tenth of the start on Node 24).
 */
function builtins() {
  const known = new Set(builtinModules);
  return {
    name: 'modules of Node',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^(?:node:)?[a-z_0-9/]+$/ }, ({ path, kind }) => {
        const name = path.replace(/^node:/, '');
        if (!known.has(name)) return undefined;
        return { path: `node:${name}`, namespace: kind === 'require-call' ? 'required' : 'imported' };
      });
      onLoad({ filter: /^/, namespace: 'required' }, ({ path }) => ({
        contents: `module.exports = ${moduleOf(path)};`,
      }));
      onLoad({ filter: /^/, namespace: 'imported' }, ({ path }) => {
        const names = Object.keys(process.getBuiltinModule(path)).filter((key) => /^[a-z]\w*$/i.test(key));
        // What nobody imports is left out, so no getter runs for nothing.
        const exported = names
          .filter((name) => name !== 'default')
          .map((name) => `export const ${name} = /* @__PURE__ */ (() => whole.${name})();`);
        return {
          contents: [
            `const whole = /* @__PURE__ */ ${moduleOf(path)};`,
            'export default whole;',
            ...exported,
          ].join('\n'),
        };
      });
    },
  };
}

/**
 * esbuild puts modules together that the same entries need, which makes some fifty files of a few hundred bytes, and each
 * takes half a millisecond to load. Here every command and role also needs what a sidecar needs, so that all of that is
 * in one file.
 */
function core() {
  const seen = new Set();
  const imported = CORE.map((path) => `import ${JSON.stringify(join(root, path))};`).join('');
  return {
    name: 'what a sidecar needs',
    setup({ onEnd, onLoad }) {
      onEnd(() => {
        const lost = LOADED_LATER.filter((name) => !seen.has(join(root, name)));
        if (lost.length > 0) throw new Error(`Cannot build: nothing imports ${lost.join(', ')}`);
      });
      onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, ({ path }) => {
        if (!LOADED_LATER.some((name) => path === join(root, name))) return undefined;
        seen.add(path);
        return { contents: imported + readFileSync(path, 'utf8'), loader: 'ts' };
      });
    },
  };
}

function unusedParts() {
  const seen = new Set();
  return {
    name: 'parts of libraries that nothing uses',
    setup({ onEnd, onResolve, onLoad }) {
      onEnd(() => {
        const lost = UNUSED.filter((name) => !seen.has(name));
        if (lost.length > 0) throw new Error(`Cannot build: nothing requires ${lost.join(', ')} any more`);
      });
      onResolve({ filter: /^/ }, ({ path, kind }) => {
        if (kind !== 'require-call' || !UNUSED.includes(path)) return undefined;
        seen.add(path);
        return { path, namespace: 'unused' };
      });
      onLoad({ filter: /^/, namespace: 'unused' }, () => ({ contents: 'module.exports = {};' }));
      // Every schema would bring zod's JSON Schema. Only the hub uses it, by an import that does not go through these files.
      onLoad({ filter: /[\\/]zod[\\/]v4[\\/](?:core[\\/]index|mini[\\/]external)\.js$/ }, ({ path }) => {
        const source = readFileSync(path, 'utf8');
        const contents = source.replaceAll(/^export .*json-schema.*$/gm, '');
        if (contents === source)
          throw new Error(`Cannot build: ${path} does not export a JSON Schema any more`);
        return { contents };
      });
    },
  };
}

function moduleOf(path) {
  return `process.getBuiltinModule(${JSON.stringify(path)})`;
}

function requiredFiles() {
  return {
    name: 'files that are required when they are used',
    setup({ onLoad }) {
      onLoad({ filter: /[\\/]src[\\/](?:proxy[\\/]http-proxy|settings[\\/]yaml)\.ts$/ }, ({ path }) => {
        const source = readFileSync(path, 'utf8');
        const contents = source.replaceAll(
          /require\('(http-proxy|yaml)'\)/g,
          (_, name) => `require('./${name}.cjs')`,
        );
        if (contents === source)
          throw new Error(`Cannot build: ${path} requires none of ${REQUIRED.join(', ')}`);
        return { contents, loader: 'ts' };
      });
    },
  };
}

function mediaTypes() {
  return {
    name: 'media types',
    setup({ onLoad }) {
      onLoad({ filter: /[\\/]mime-db[\\/]db\.json$/ }, ({ path }) => {
        const all = Object.entries(JSON.parse(readFileSync(path, 'utf8')));
        const kept = all.filter(([type]) => MEDIA_TYPE.test(type));
        return { contents: JSON.stringify(Object.fromEntries(kept)), loader: 'json' };
      });
    },
  };
}

/** The licences of all packages that something was taken from. */
function notices(paths) {
  const folders = new Set(paths.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? []));
  const texts = [...folders].map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    return `${name} ${version}\nLicence: ${license}\n\n${licenceOf(join(root, folder))}`;
  });
  const line = `\n\n${'-'.repeat(80)}\n\n`;
  const distinct = [...new Set(texts)].toSorted();
  return `wechat-sidecar contains code of these packages, under their own licences.${line}${distinct.join(line)}\n`;
}

function licenceOf(folder) {
  const files = readdirSync(folder).filter((name) => /^(?:licen[cs]e|copying|notice)/i.test(name));
  const texts = files.map((name) => readFileSync(join(folder, name), 'utf8').trim());
  if (texts.length > 0) return texts.join('\n\n');
  const readme = ['README.md', 'readme.md', 'Readme.md'].map((name) => join(folder, name)).find(existsSync);
  const text = readme === undefined ? '' : readFileSync(readme, 'utf8');
  const section = /^#+\s*licen[cs]e\b[\s\S]*/im.exec(text)?.[0];
  return section?.trim() ?? 'The package has no text of its licence.';
}
