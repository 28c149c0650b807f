import { useState } from 'react';
import type { SimSubscription, SimTransaction, SimUser } from '../control.ts';
import { api } from './api.ts';
import { formatDate, formatNumber } from './format.ts';
import { Stars } from './icons.tsx';
import { ActError, Confirm, Panel, useAct } from './panel.tsx';
import { useLanguage, useTexts } from './texts.ts';
import type { Account } from './use-account.ts';

function useSubscriptionWords(): (subscription: SimSubscription) => string {
  const texts = useTexts();
  const language = useLanguage();
  return (subscription) => {
    const until = formatDate(subscription.until, language);
    switch (subscription.state) {
      case 'active':
        return texts.people.renews(until);
      case 'canceled_by_user':
        return texts.people.endsOn(until);
      case 'canceled_by_bot':
        return `${texts.people.byBot} · ${texts.people.endsOn(until)}`;
      case 'failed':
        return texts.people.paymentFailed;
      case 'ended':
        return texts.people.ended(until);
    }
  };
}

function SubscriptionRow({ subscription }: { subscription: SimSubscription }) {
  const texts = useTexts();
  const language = useLanguage();
  const words = useSubscriptionWords();
  const { act, busy, error } = useAct();
  const amount = formatNumber(subscription.amount, language);
  const action = { active: 'cancel', canceled_by_user: 'restore' }[subscription.state as string] as
    | 'cancel'
    | 'restore'
    | undefined;
  return (
    <li className={`ledger-row ${subscription.state}`} data-testid={`subscription-${subscription.id}`}>
      <div className="ledger-words">
        <strong>{subscription.title}</strong>
        <small>{words(subscription)}</small>
        <ActError error={error} />
      </div>
      <div className="ledger-side">
        <span>
          <Stars amount={amount} label={texts.people.stars(amount)} size={13} /> <small>{texts.people.perMonth}</small>
        </span>
        {action && (
          <button
            type="button"
            className="button small"
            disabled={busy}
            onClick={() => void act(() => api.changeSubscription(subscription.id, action))}
          >
            {action === 'cancel' ? texts.people.stop : texts.people.restore}
          </button>
        )}
      </div>
    </li>
  );
}

function TransactionRow(props: { transaction: SimTransaction; refundable: boolean; onRefund: () => void }) {
  const texts = useTexts();
  const language = useLanguage();
  const { transaction } = props;
  const isRefund = transaction.amount < 0;
  const amount = formatNumber(Math.abs(transaction.amount), language);
  return (
    <li className="ledger-row">
      <div className="ledger-words">
        <strong>{isRefund ? texts.people.refunded : texts.people.paid}</strong>
        <small title={transaction.id}>{formatDate(transaction.date, language)}</small>
      </div>
      <div className="ledger-side">
        <span className={isRefund ? 'amount-in' : 'amount-out'}>
          {isRefund ? '+' : '−'}
          <Stars amount={amount} label={texts.people.stars(amount)} size={13} />
        </span>
        {props.refundable && (
          <button type="button" className="button small quiet" onClick={props.onRefund}>
            {texts.people.refund}
          </button>
        )}
      </div>
    </li>
  );
}

function Transactions({ transactions }: { transactions: ReadonlyArray<SimTransaction> }) {
  const texts = useTexts();
  const { act, error } = useAct();
  const [asked, setAsked] = useState<string>();
  // A refund has the id of the payment it returns.
  const refunded = new Set(transactions.filter((item) => item.amount < 0).map((item) => item.id));
  const refund = (id: string) => {
    setAsked(undefined);
    void act(() => api.refund(id));
  };
  return (
    <>
      <ActError error={error} />
      <ul className="ledger">
        {transactions.map((transaction) => (
          <TransactionRow
            key={`${transaction.id}:${transaction.amount}`}
            transaction={transaction}
            refundable={transaction.amount > 0 && !refunded.has(transaction.id)}
            onRefund={() => setAsked(transaction.id)}
          />
        ))}
      </ul>
      {asked !== undefined && (
        <Confirm
          title={texts.people.refundTitle}
          text={texts.people.refundText}
          action={texts.people.refund}
          onYes={() => refund(asked)}
          onNo={() => setAsked(undefined)}
        />
      )}
    </>
  );
}

/** What the chosen user owes and paid in Stars, as Telegram's own settings show it. */
export function AccountLists({ user, account }: { user: SimUser; account: Account | undefined }) {
  const texts = useTexts();
  return (
    <>
      <Panel title={texts.people.subscriptions} testId="subscriptions">
        {account?.subscriptions.length === 0 && <p className="empty">{texts.people.noSubscriptions}</p>}
        <ul className="ledger">
          {account?.subscriptions.map((subscription) => (
            <SubscriptionRow key={subscription.id} subscription={subscription} />
          ))}
        </ul>
      </Panel>
      <Panel title={texts.people.transactions} testId="transactions">
        {account?.transactions.length === 0 && <p className="empty">{texts.people.noTransactions}</p>}
        {account && account.transactions.length > 0 && (
          <Transactions key={user.id} transactions={account.transactions} />
        )}
      </Panel>
    </>
  );
}
