import { randomBytes } from 'node:crypto';
import { type Ctx, SCOPES, type Scope } from '#domain/context/context.ts';
import { listApiKeys, registerApiKey, revokeApiKey } from '#domain/identity/api-key.ts';
import { loadWholeEnv, makeServer } from '#server.ts';

const USAGE = `npm run api-key -- list
npm run api-key -- create <name> [scope ...]   all scopes when none is named: ${SCOPES.join(' ')}
npm run api-key -- revoke <key id>`;

/** The command behind `dist/api-key.js`: what a server's key is made, listed and taken back with. A secret is shown once. */
async function main([command, ...args]: ReadonlyArray<string>): Promise<number> {
  const server = await makeServer('worker', loadWholeEnv());
  try {
    const answer = await run(server.ctx, command, args);
    process.stdout.write(`${answer ?? USAGE}\n`);
    return answer === null ? 2 : 0;
  } finally {
    await server.close();
  }
}

/** What to print, null when the command is not understood. */
async function run(ctx: Ctx, command: string | undefined, args: ReadonlyArray<string>): Promise<string | null> {
  const [first, ...rest] = args;
  if (command === 'list') {
    const keys = await listApiKeys(ctx);
    return keys.map(({ id, name, scopes }) => `${id}  ${name}  ${scopes.join(' ')}`).join('\n') || 'There is no key.';
  }
  if (command === 'revoke' && first)
    return (await revokeApiKey(ctx, first)) ? `${first} is refused from now on.` : `There is no valid key ${first}.`;
  const unknown = rest.filter((scope) => !isScope(scope));
  if (command !== 'create' || !first || unknown.length > 0) return null;
  const secret = `hoshi_${randomBytes(30).toString('base64url')}`;
  await registerApiKey(ctx, { name: first, secret, scopes: rest.length > 0 ? rest.filter(isScope) : SCOPES });
  return `${secret}\nKeep it now: only its hash is stored.`;
}

function isScope(text: string): text is Scope {
  return SCOPES.some((scope) => scope === text);
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
