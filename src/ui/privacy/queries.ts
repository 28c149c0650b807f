'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
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
