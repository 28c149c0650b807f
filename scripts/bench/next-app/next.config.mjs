import { resolve } from 'node:path';

/** The repository is the root: the routes use its packages and its generated database client. */
export default { turbopack: { root: resolve(import.meta.dirname, '../../..') }, poweredByHeader: false };
