import { createTRPCClient, httpLink } from '@trpc/client';
import type { AppRouter } from '#api/router.ts';
import { makeTrpcHandler } from '#api/trpc-handler.ts';
import { issueSession } from '#domain/identity/session.ts';
import type { Buyer, World } from './world.ts';

/** The Mini App's calls of somebody who is signed in, through the real door. */
export async function openMiniApp(world: World, person: Pick<Buyer, 'id' | 'role'>) {
  const { token } = await issueSession(world.door, person);
  const contact = { botUsername: 'hoshi_sandbox_bot', supportContact: null };
  const door = makeTrpcHandler({ ctx: world.door, contact });
  return createTRPCClient<AppRouter>({
    links: [
      httpLink({
        url: 'http://localhost/api/trpc',
        headers: { authorization: `Bearer ${token}` },
        fetch: (url, init) => door(new Request(url as string, init as RequestInit)),
      }),
    ],
  });
}
