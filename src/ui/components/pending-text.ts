import type { PendingView } from '#api/views.ts';
import type { Translate } from '#ui/message-format.ts';

type PendingText = Readonly<{ title: string; text: string; note: string; action: string }>;

/** What money that is on its way waits for, in words. `action` leads to the provider's page, where it says more. */
export function pendingText(t: Translate, pending: PendingView): PendingText {
  const { canBeReplaced, missing, progress } = pending;
  const amount = missing?.text ?? null;
  const held = progress === 'underpaid' ? 'heldOpen' : 'held';
  const note = t(`pending.${canBeReplaced ? 'heldOrElse' : held}`);
  switch (progress) {
    case 'underpaid':
      return {
        title: amount === null ? t('pending.underpaid.title') : t('pending.underpaid.titleAmount', { amount }),
        text: t('pending.underpaid.text'),
        note,
        action: t('pending.underpaid.action'),
      };
    case 'awaiting_transfer':
      return {
        title: t('pending.awaiting_transfer.title'),
        text:
          amount === null ? t('pending.awaiting_transfer.text') : t('pending.awaiting_transfer.textAmount', { amount }),
        note,
        action: t('pending.awaiting_transfer.action'),
      };
    case 'confirming':
    case 'processing':
      return {
        title: t(`pending.${progress}.title`),
        text: t(`pending.${progress}.text`),
        note,
        action: t('pending.look'),
      };
  }
}

/** True while the person may still have to send money; else it is on its way and only needs time. */
export function needsPayer({ progress }: PendingView): boolean {
  return progress === 'awaiting_transfer' || progress === 'underpaid';
}
