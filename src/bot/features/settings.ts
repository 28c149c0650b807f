import { Composer } from 'grammy';
import { changeSettings } from '#domain/identity/change-settings.ts';
import { type BotContext, onPress, type View } from '../context.ts';
import { pressButton } from '../render.ts';
import { visitorOf } from './visitor.ts';

/** Which notices arrive. What concerns money cannot be switched off. */
export const settings = new Composer<BotContext>();

settings.command('settings', async (context) => context.tell(settingsView(context)));
onPress(settings, 'settings', async (context) => context.show(settingsView(context)));

onPress(settings, 'reminders', async (context, { args: [choice] }) =>
  change(context, { wantsReminders: choice === 'on' }),
);
onPress(settings, 'sales', async (context, { args: [choice] }) =>
  change(context, { wantsSalesNotices: choice === 'on' }),
);

async function change(
  context: BotContext,
  choice: { wantsReminders: boolean } | { wantsSalesNotices: boolean },
): Promise<void> {
  const { user, ctx } = context.visitor;
  context.visitor = visitorOf(context.system, await changeSettings(ctx, { userId: user.id, ...choice }));
  await context.show(settingsView(context));
}

/** Each button says how things stand and turns them round; sales concern developers only. */
function settingsView(context: BotContext): View {
  const { user, say, t } = context.visitor;
  const reminders = user.wantsReminders
    ? pressButton(t('bot.settings.remindersOn'), 'reminders', 'off')
    : pressButton(t('bot.settings.remindersOff'), 'reminders', 'on');
  const sales = user.wantsSalesNotices
    ? pressButton(t('bot.settings.salesOn'), 'sales', 'off')
    : pressButton(t('bot.settings.salesOff'), 'sales', 'on');
  return {
    text: say('bot.settings.title'),
    buttons: [
      [reminders],
      ...(user.role === 'user' ? [] : [[sales]]),
      [pressButton(t('bot.button.language'), 'languages')],
    ],
  };
}
