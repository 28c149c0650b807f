import type { Ctx } from '#domain/context/context.ts';
import { AppError } from '#domain/errors.ts';
import { ensureUser } from '#domain/identity/ensure-user.ts';
import { judgeLaunchAge, LaunchUser } from '#domain/identity/rules.ts';
import { issueSession } from '#domain/identity/session.ts';
import { hmacSha256, isEd25519Signature, isEqualSecret } from '#lib/crypto.ts';

const MAX_LENGTH = 4096;

/**
 * Starts a session from a Mini App launch. `initData` is the raw query string of the client; its HMAC proves that
 * Telegram signed it for our bot (telegram.md §2.1), and its Ed25519 signature must agree when present. Throws
 * `invalid init_data_malformed` and `unauthenticated init_data_forged | _expired | _from_future`.
 */
export async function signIn(ctx: Ctx, initData: string): Promise<{ token: string; expiresAt: Date; userId: string }> {
  const launch = readInitData(initData);
  if (!isSignedForBot(launch, ctx.telegram)) throw new AppError('unauthenticated', 'init_data_forged');
  const age = judgeLaunchAge(launch.authDate, Math.floor(ctx.clock.now().getTime() / 1000));
  if (!age.ok) throw new AppError('unauthenticated', age.reason);
  const user = await ensureUser(ctx, {
    telegramId: BigInt(launch.user.id),
    languageCode: launch.user.language_code ?? null,
    ...(launch.user.allows_write_to_pm ? { isReachable: true } : {}),
  });
  return { ...(await issueSession(ctx, user)), userId: user.id };
}

type Launch = {
  fields: ReadonlyArray<readonly [string, string]>;
  hash: string;
  signature: string | null;
  authDate: number;
  user: LaunchUser;
};

/** Takes initData apart. A key that stands twice is refused: only one of its values could have been signed. */
export function readInitData(initData: string): Launch {
  const malformed = new AppError('invalid', 'init_data_malformed');
  if (initData.length === 0 || initData.length > MAX_LENGTH) throw malformed;
  const fields = [...new URLSearchParams(initData)];
  const values = new Map(fields);
  const hash = values.get('hash') ?? '';
  const authDate = values.get('auth_date') ?? '';
  if (values.size !== fields.length || !/^[0-9a-f]{64}$/i.test(hash) || !/^\d{1,12}$/.test(authDate)) throw malformed;
  const user = LaunchUser.safeParse(parseJson(values.get('user')));
  if (!user.success || user.data.is_bot) throw malformed;
  return { fields, hash, signature: values.get('signature') ?? null, authDate: Number(authDate), user: user.data };
}

function isSignedForBot(launch: Launch, telegram: Ctx['telegram']): boolean {
  const secret = hmacSha256('WebAppData', telegram.botToken);
  const expected = hmacSha256(secret, checkString(launch, ['hash']));
  if (!isEqualSecret(Buffer.from(launch.hash, 'hex'), expected)) return false;
  if (!launch.signature) return true;
  const data = Buffer.from(`${telegram.botId}:WebAppData\n${checkString(launch, ['hash', 'signature'])}`);
  return isEd25519Signature(
    Buffer.from(telegram.initDataPublicKey, 'hex'),
    data,
    Buffer.from(launch.signature, 'base64url'),
  );
}

function checkString(launch: Launch, without: ReadonlyArray<string>): string {
  return launch.fields
    .filter(([key]) => !without.includes(key))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`)
    .join('\n');
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
