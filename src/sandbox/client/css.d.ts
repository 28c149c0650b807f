/** Style sheets are bundled by esbuild; importing one has only its side effect. */
declare module '*.css';
