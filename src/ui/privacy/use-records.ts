'use client';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState, useSyncExternalStore } from 'react';
import type { RecordView } from '#api/privacy-views.ts';
import type { Api } from '#ui/api.ts';
import { type OpenedRecord, openRecord } from '#ui/privacy/open-record.ts';
import { onLockChange, unlockedVersion } from '#ui/privacy/unlock.ts';
import { type Problem, problemOf } from '#ui/problem.ts';
import { useSession } from '#ui/session.tsx';

export type Records = Readonly<{
  isUnlocked: boolean;
  /** By payment, newest first; null while they are locked, fetched or read. */
  opened: ReadonlyMap<string, ReadonlyArray<OpenedRecord>> | null;
  problem: Problem | null;
  retry: () => void;
}>;

/** 0 while no key is unlocked on this device. */
export function useUnlocked(): number {
  return useSyncExternalStore(onLockChange, unlockedVersion, () => 0);
}

/** The keys with which this server signs and signed. */
export function useSigningKey(isWanted: boolean) {
  const { api } = useSession();
  return useQuery({
    queryKey: ['records.signingKey'],
    queryFn: ({ signal }) => api.query('records.signingKey', undefined, signal),
    staleTime: Number.POSITIVE_INFINITY,
    enabled: isWanted,
  });
}

/**
 * The records of payments, read on this device while a key is unlocked. What they say lives in the screen's own state, goes when
 * the keys are locked, and is never sent or cached.
 */
export function useRecords(paymentIds: ReadonlyArray<string>): Records {
  const { api } = useSession();
  const version = useUnlocked();
  const isUnlocked = version !== 0;
  const signingKey = useSigningKey(isUnlocked);
  const fetched = useQuery({
    queryKey: ['records.forPayments', ...paymentIds],
    queryFn: ({ signal }) => fetchRecords(api, paymentIds, signal),
    staleTime: 60_000,
    enabled: isUnlocked && paymentIds.length > 0,
  });
  const opened = useOpened(version, fetched.data, signingKey.data?.publicKey);
  const failed = [fetched, signingKey].find(({ data, isError }) => isError && data === undefined);
  return {
    isUnlocked,
    opened,
    problem: failed ? problemOf(failed.error) : null,
    retry: () => {
      for (const query of [fetched, signingKey]) if (query.isError) void query.refetch();
    },
  };
}

/** All records of these payments, in as many answers as they need. */
async function fetchRecords(api: Api, paymentIds: ReadonlyArray<string>, signal: AbortSignal): Promise<RecordView[]> {
  const { isWhole, records } = await api.query('records.forPayments', { paymentIds: [...paymentIds] }, signal);
  if (isWhole || paymentIds.length === 1) return records;
  const half = Math.ceil(paymentIds.length / 2);
  const first = await fetchRecords(api, paymentIds.slice(0, half), signal);
  return [...first, ...(await fetchRecords(api, paymentIds.slice(half), signal))];
}

function useOpened(version: number, records: RecordView[] | undefined, signingKey: string | undefined) {
  const [opened, setOpened] = useState<Records['opened']>(null);
  useEffect(() => {
    if (version === 0) return setOpened(null);
    if (records === undefined || signingKey === undefined) return;
    let isCurrent = true;
    void Promise.all(records.map((view) => openRecord(view, signingKey))).then((list) => {
      if (isCurrent) setOpened(byPayment(list));
    });
    return () => {
      isCurrent = false;
    };
  }, [version, records, signingKey]);
  return version === 0 ? null : opened;
}

function byPayment(list: ReadonlyArray<OpenedRecord>): Records['opened'] {
  const found = new Map<string, OpenedRecord[]>();
  for (const record of list) {
    const { paymentId } = record.view;
    found.set(paymentId, [...(found.get(paymentId) ?? []), record]);
  }
  return found;
}
