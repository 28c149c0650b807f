'use client';
import type { LinkedOrderView, PendingView } from '#api/views.ts';
import { Button } from '#ui/components/controls.tsx';
import { Spinner } from '#ui/components/icons.tsx';
import { needsPayer, pendingText } from '#ui/components/pending-text.ts';
import { useT } from '#ui/i18n.tsx';
import { Legal } from '#ui/pay/legal.tsx';
import { LinkButton, OrderFacts, Sheet, Sign, Told } from '#ui/pay/sheet.tsx';
import type { Payment } from '#ui/pay/use-payment.ts';

/** Money is on its way: what it waits for, and whether anything else may be done. */
export function Pending(props: { order: LinkedOrderView; pending: PendingView; payment: Payment; botUrl: string }) {
  const { botUrl, order, payment, pending } = props;
  const { instructionsUrl, progress } = pending;
  const t = useT();
  const { action, note, text, title } = pendingText(t, pending);
  const isTheirs = needsPayer(pending);
  return (
    <>
      <Sheet>
        <Told
          sign={
            isTheirs ? (
              <Sign name={progress === 'underpaid' ? 'alert' : 'bank'} />
            ) : (
              <Spinner className="size-14 text-accent" />
            )
          }
          title={title}
          text={text}
          note={note}
        >
          {instructionsUrl !== null && (
            <LinkButton href={instructionsUrl} isQuiet={!isTheirs} opensBeside testId="instructions">
              {action}
            </LinkButton>
          )}
          {pending.canBeReplaced && (
            <Button look="plain" onPress={payment.chooseAgain} testId="pay-other-way">
              {t('pay.waiting.otherWay')}
            </Button>
          )}
          <LinkButton href={botUrl} isQuiet testId="to-bot">
            {t('pay.toBot')}
          </LinkButton>
        </Told>
        <OrderFacts order={order} />
      </Sheet>
      <Legal />
    </>
  );
}
