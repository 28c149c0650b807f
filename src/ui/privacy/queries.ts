'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { ExportStateView } from '#api/privacy-views.ts';
import { useSession } from '#ui/session.tsx';

const KEYS = ['privacy.keys'];

/** The person's keys, and the server's time. */
export function useKeys() {
  const { api } = useSession();
  return useQuery({ queryKey: KEYS, queryFn: ({ signal }) => api.query('privacy.keys', undefined, signal) });
}

export function useAddKey() {
  const { api } = useSession();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (publicKey: string) => api.mutate('privacy.addKey', { publicKey }),
    onSuccess: () => queries.invalidateQueries({ queryKey: KEYS }),
  });
}

/** A wrong code counts as a try: the list says how many are left. */
export function useProveKey() {
  const { api } = useSession();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (proof: { keyId: string; code: string }) => api.mutate('privacy.proveKey', proof),
    onSettled: () => queries.invalidateQueries({ queryKey: KEYS }),
  });
}

export function useRetireKey() {
  const { api } = useSession();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (keyId: string) => api.mutate('privacy.retireKey', { keyId }),
    onSuccess: () => queries.invalidateQueries({ queryKey: KEYS }),
  });
}

const EXPORT = ['privacy.export'];

/** What the server has of the person, counted when it is asked. */
export function useSeen() {
  const { api } = useSession();
  return useQuery({
    queryKey: ['privacy.seen'],
    queryFn: ({ signal }) => api.query('privacy.seen', undefined, signal),
  });
}

const isUnderWay = ({ latest }: ExportStateView) => latest?.status === 'requested' || latest?.status === 'running';

/** The copy asked for last; asked again every five seconds while it is being made. */
export function useExport() {
  const { api } = useSession();
  return useQuery({
    queryKey: EXPORT,
    queryFn: ({ signal }) => api.query('privacy.export', undefined, signal),
    refetchInterval: ({ state }) => (state.data && isUnderWay(state.data) ? 5_000 : false),
  });
}

export function useRequestExport() {
  const { api } = useSession();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => api.mutate('privacy.requestExport', undefined),
    onSuccess: (state) => queries.setQueryData(EXPORT, state),
  });
}

const ERASURE = ['privacy.erasure'];
const LOOK_AGAIN_MS = 5_000;

/** How the person's erasure stands; looked at again while it is done, and once a minute while it waits. */
export function useErasure() {
  const { api } = useSession();
  return useQuery({
    queryKey: ERASURE,
    queryFn: ({ signal }) => api.query('privacy.erasure', undefined, signal),
    // What is in the way is settled on other screens.
    staleTime: 0,
    refetchInterval: ({ state }) => {
      if (state.data?.state === 'running' || state.data?.minutesLeft === 0) return LOOK_AGAIN_MS;
      return state.data?.state === 'waiting' ? 60_000 : false;
    },
  });
}

export function useAskErasure() {
  const { api } = useSession();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (word: string) => api.mutate('privacy.askErasure', { word }),
    onSuccess: (view) => queries.setQueryData(ERASURE, view),
    // Something came in between: the screen shows what.
    onError: () => queries.invalidateQueries({ queryKey: ERASURE }),
  });
}

export function useCancelErasure() {
  const { api } = useSession();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => api.mutate('privacy.cancelErasure', undefined),
    onSuccess: (view) => queries.setQueryData(ERASURE, view),
    onError: () => queries.invalidateQueries({ queryKey: ERASURE }),
  });
}

/** What the person agreed to by paying. */
export function useAgreements() {
  const { api } = useSession();
  return useQuery({
    queryKey: ['privacy.agreements'],
    queryFn: ({ signal }) => api.query('privacy.agreements', undefined, signal),
  });
}
