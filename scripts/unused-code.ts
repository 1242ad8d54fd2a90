/**
 * What packages bring that our programs never call, and the bundles do without. A program that starts reads,
 * compiles and runs all that is in its bundle; the daemon also starts its child processes the slower, the
 * more memory it has. All tests on nodes run these bundles.
 */
import { join } from 'node:path';
import type { Plugin } from 'esbuild';

/**
 * The Kubernetes client does not declare that importing its files has no effect of its own, so
 * esbuild would keep files that nothing uses: a megabyte, where only KubeConfig is used. The one
 * effect it has is a polyfill for Node.js 18.
 */
const dropUnusedOfClient: Plugin = {
  name: 'drop-unused-of-client',
  setup(setup) {
    // Its files name each other in full. esbuild's own resolver, asked from here, reads the folders anew each
    // time: that was most of the time of a build.
    setup.onResolve({ filter: /^\..*\.js$/ }, ({ path, resolveDir }) => {
      const isOfClient = /\/@kubernetes\/client-node\/dist\//.test(`${resolveDir}/`);
      return isOfClient ? { path: join(resolveDir, path), sideEffects: false } : null;
    });
  },
};

/** Files that a package's index imports for nothing. */
interface UnusedFiles {
  /** End of the path of the index. */
  readonly importer: string;
  /** What it imports, as it is written there. */
  readonly files: RegExp;
  /** What the index gets instead. */
  readonly contents: string;
}

const UNUSED_FILES: readonly UnusedFiles[] = [
  {
    // Its metrics of the process (we have our own), clusters of processes, a push gateway, OpenTelemetry.
    importer: '/@prometheus-io/client/index.js',
    files: /^\.\/lib\/(pushgateway|cluster|worker|summary|defaultMetrics)$/,
    contents: 'module.exports = {};',
  },
  {
    // Its own fetch, web sockets, cookies, caches, mocks, interceptors: requests to the API server are made by
    // its agents. The Kubernetes client would ask by fetch; ours does not let it ask.
    importer: '/undici/index.js',
    files:
      /^\.\/lib\/((mock|interceptor|cache|web|handler)\/|dispatcher\/(balanced-pool|round-robin-pool|dispatcher1-wrapper|env-http-proxy-agent|retry-agent|h2c-client)$)/,
    contents: 'module.exports = { CacheStorage: class {} };',
  },
  {
    // Of versions fastify asks one thing, of each plugin.
    importer: '/fastify/lib/plugin-utils.js',
    files: /^semver$/,
    contents: `
      exports.satisfies = require('semver/functions/satisfies');
      exports.gt = require('semver/functions/gt');
      exports.coerce = require('semver/functions/coerce');`,
  },
];

const dropUnusedFiles: Plugin = {
  name: 'drop-unused-files',
  setup(setup) {
    for (const [index, { importer, files, contents }] of UNUSED_FILES.entries()) {
      const namespace = `unused-${index}`;
      setup.onResolve({ filter: files }, ({ path, importer: by, resolveDir }) => {
        return by.endsWith(importer) ? { path, namespace, pluginData: resolveDir } : null;
      });
      setup.onLoad({ filter: /.*/, namespace }, ({ pluginData }) => {
        return { contents, resolveDir: String(pluginData) };
      });
    }
  },
};

export const UNUSED_CODE: Plugin[] = [dropUnusedOfClient, dropUnusedFiles];
