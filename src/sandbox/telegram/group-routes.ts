import { z } from 'zod';
import { type Ask, type Route, route } from '../control-route.ts';

const userId = z.int().positive();
const groupPatch = z.strictObject({
  title: z.string().min(1).max(128).optional(),
  owner_id: userId.optional(),
  is_forum: z.boolean().optional(),
  bot_status: z.enum(['administrator', 'member', 'left', 'kicked']).optional(),
  can_manage_topics: z.boolean().optional(),
  can_send_messages: z.boolean().optional(),
});
const groupBody = groupPatch.extend({
  title: z.string().min(1).max(128),
  shared_by: userId.optional(),
  request_id: z.int().default(1),
});
const shareBody = z.strictObject({
  request_id: z.int(),
  group_id: z.int().optional(),
  title: z.string().min(1).max(128).optional(),
});

/** Groups in the control API (see control.ts). */
export const groupRoutes: readonly Route[] = [
  route('POST', '/chats/:id/share', shareGroup),
  route('POST', '/groups', createGroup),
  route('PATCH', '/groups/:id', ({ telegram, part, body }) =>
    telegram.groups.change(telegram.groups.get(Number(part(1))), groupPatch.parse(body)),
  ),
  route('DELETE', '/groups/:id', removeGroup),
  route('DELETE', '/groups/:id/topics/:thread', removeTopic),
];

/** A group somebody made; `shared_by` shares it with the bot, as KeyboardButton.request_chat does. */
function createGroup({ telegram, body }: Ask): unknown {
  const { shared_by: sharedBy, request_id: requestId, owner_id: ownerId = sharedBy, ...given } = groupBody.parse(body);
  const group = telegram.groups.create({ ...given, owner_id: ownerId });
  if (sharedBy !== undefined) {
    const user = telegram.chats.getUser(sharedBy);
    telegram.chats.addForBot(user, 'service', { chat_shared: { request_id: requestId, chat_id: group.id } });
  }
  return group;
}

function shareGroup({ telegram, part, body }: Ask): unknown {
  const user = telegram.chats.getUser(Number(part(1)));
  return telegram.groups.share(user, shareBody.parse(body));
}

function removeGroup({ telegram, part }: Ask): object {
  telegram.groups.remove(telegram.groups.get(Number(part(1))));
  return {};
}

function removeTopic({ telegram, part }: Ask): object {
  telegram.groups.removeTopic(telegram.groups.get(Number(part(1))).id, Number(part(2)));
  return {};
}
