import { useEffect, useState } from 'react';
import type { SimSubscription, SimTransaction } from '../control.ts';
import { api } from './api.ts';
import { store, useSnapshot } from './store.ts';

export type Account = { subscriptions: ReadonlyArray<SimSubscription>; transactions: ReadonlyArray<SimTransaction> };

/** Changes come in bursts (message, state, traffic); one look after the burst is enough. */
const settleMs = 120;

/** A user's Star subscriptions and transactions, read again whenever something may have moved. */
export function useAccount(userId: number | undefined): Account | undefined {
  const accountsRevision = useSnapshot((now) => now.accountsRevision);
  const [account, setAccount] = useState<{ userId: number; account: Account }>();

  useEffect(() => {
    if (userId === undefined || accountsRevision === 0) return;
    let current = true;
    const timer = setTimeout(() => {
      Promise.all([api.subscriptions(userId), api.transactions(userId)]).then(
        ([subscriptions, transactions]) => {
          if (current) setAccount({ userId, account: { subscriptions, transactions } });
        },
        // The header's connection mark tells; after the reconnection the revision grows and this runs again.
        () => store.connectionLost(),
      );
    }, settleMs);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [userId, accountsRevision]);

  return account?.userId === userId ? account?.account : undefined;
}
