'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { ExportStateView } from '#api/views.ts';
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
