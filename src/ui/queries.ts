'use client';
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { PersonalLogView } from '#api/privacy-views.ts';
import type { InvoiceView, MeView, PaymentStatusView, StoredMethodView, SubscriptionView } from '#api/views.ts';
import type { Settings } from '#ui/api.ts';
import { useWords } from '#ui/i18n.tsx';
import type { Confirmation } from '#ui/methods/confirmation.ts';
import { useSession } from '#ui/session.tsx';

export function useMe() {
  const { api } = useSession();
  return useQuery({ queryKey: ['me.get'], queryFn: ({ signal }) => api.query('me.get', undefined, signal) });
}

export function useCatalog() {
  const { api } = useSession();
  return useQuery({
    queryKey: ['catalog.list'],
    queryFn: ({ signal }) => api.query('catalog.list', undefined, signal),
  });
}

export function useEntitlements() {
  const { api } = useSession();
  return useQuery({
    queryKey: ['entitlements.list'],
    queryFn: ({ signal }) => api.query('entitlements.list', undefined, signal),
  });
}

/** While another price of the same plan is fetched, the one before stands as placeholder data. */
export function useCheckoutPreview(priceId: string) {
  const { api } = useSession();
  return useQuery({
    queryKey: ['checkout.preview', priceId],
    queryFn: ({ signal }) => api.query('checkout.preview', { priceId }, signal),
    placeholderData: (before) => before,
  });
}

/** An order, asked again every five seconds while it can still be paid. */
export function useOrder(invoiceId: string) {
  const { api } = useSession();
  return useQuery({
    queryKey: ['checkout.status', invoiceId],
    queryFn: ({ signal }) => api.query('checkout.status', { invoiceId }, signal),
    refetchInterval: ({ state }) => (state.data?.status === 'open' ? 5_000 : false),
  });
}

export function useCancelOrder() {
  const { api } = useSession();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (invoiceId: string) => api.mutate('checkout.cancel', { invoiceId }),
    onSuccess: (invoice: InvoiceView) => {
      queries.setQueryData(['checkout.status', invoice.id], invoice);
      return queries.invalidateQueries({ queryKey: ['me.get'] });
    },
  });
}

export type HistoryFilter = { status: PaymentStatusView | null; month: string | null };

export function usePayments({ status, month }: HistoryFilter) {
  const { api } = useSession();
  return useInfiniteQuery({
    queryKey: ['payments.list', status, month],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) =>
      api.query(
        'payments.list',
        {
          limit: 20,
          ...(pageParam ? { cursor: pageParam } : {}),
          ...(status ? { status } : {}),
          ...(month ? { month } : {}),
        },
        signal,
      ),
    getNextPageParam: (page) => page.nextCursor,
  });
}

export function usePaymentMonths() {
  const { api } = useSession();
  return useQuery({
    queryKey: ['payments.months'],
    queryFn: ({ signal }) => api.query('payments.months', undefined, signal),
  });
}

export function useReceipt(paymentId: string) {
  const { api } = useSession();
  return useQuery({
    queryKey: ['payments.receipt', paymentId],
    queryFn: ({ signal }) => api.query('payments.receipt', { paymentId }, signal),
  });
}

/** A link to the receipt as a PDF, good for a few minutes. */
export function useReceiptLink() {
  const { api } = useSession();
  return useMutation({ mutationFn: (paymentId: string) => api.mutate('payments.receiptLink', { paymentId }) });
}

/** Stored payment methods; asked again every four seconds until the one that is being added in a browser is active. */
export function useMethods(addingId: string | null) {
  const { api } = useSession();
  return useQuery({
    queryKey: ['methods.list'],
    queryFn: ({ signal }) => api.query('methods.list', undefined, signal),
    refetchInterval: ({ state }) =>
      addingId !== null && !state.data?.some(({ id, status }) => id === addingId && status === 'active')
        ? 4_000
        : false,
  });
}

export function useStoringProviders() {
  const { api } = useSession();
  return useQuery({
    queryKey: ['methods.providers'],
    queryFn: ({ signal }) => api.query('methods.providers', undefined, signal),
  });
}

export function useAddMethod() {
  const { api } = useSession();
  return useMutation({ mutationFn: (provider: string) => api.mutate('methods.add', { provider }) });
}

/** Asks what came of a method that was begun. The answer is null while the person has not finished. */
export function useConfirmMethod() {
  const { api } = useSession();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (methodId: string) => api.mutate('methods.confirm', { methodId }),
    onSuccess: (method) => (method ? refreshMethods(queries) : undefined),
  });
}

/** Says that a card which was given in a browser is the person's own. */
export function useClaimMethod() {
  const { api } = useSession();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (confirmation: Confirmation) => api.mutate('methods.claim', confirmation),
    onSuccess: () => refreshMethods(queries),
  });
}

export function useRemoveMethod() {
  const { api } = useSession();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (methodId: string) => api.mutate('methods.remove', { methodId }),
    onSuccess: (_, methodId) => {
      queries.setQueryData<StoredMethodView[]>(['methods.list'], (list) => list?.filter(({ id }) => id !== methodId));
      return refreshMethods(queries);
    },
  });
}

function refreshMethods(queries: ReturnType<typeof useQueryClient>): Promise<unknown> {
  const about = ['methods.list', 'checkout.preview'];
  return queries.invalidateQueries({ predicate: ({ queryKey }) => about.includes(String(queryKey[0])) });
}

/** Where records go; asked again while some are on their way, and when the person comes back from the chat. */
export function useLog() {
  const { api } = useSession();
  return useQuery({
    queryKey: LOG,
    queryFn: ({ signal }) => api.query('log.get', undefined, signal),
    refetchInterval: ({ state }) => (state.data && state.data.onTheirWay > 0 ? 5_000 : false),
  });
}

const LOG = ['log.get'];
export type LogChange = { isOn?: boolean; isSilent?: boolean; asDocument?: boolean; keepDays?: 0 | 30 | 365 };

/** Changes how records come at once, and takes it back when the server refuses. */
export function useChangeLog() {
  const { api } = useSession();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (change: LogChange) => api.mutate('log.update', change),
    onMutate: async (change) => {
      await queries.cancelQueries({ queryKey: LOG });
      const before = queries.getQueryData<PersonalLogView>(LOG);
      if (before) queries.setQueryData<PersonalLogView>(LOG, { ...before, ...change });
      return { before };
    },
    onError: (_error, _change, context) => {
      if (context?.before) queries.setQueryData(LOG, context.before);
    },
    onSuccess: (log) => queries.setQueryData(LOG, log),
  });
}

export function useUnbindLog() {
  const { api } = useSession();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => api.mutate('log.unbind', undefined),
    onSuccess: (log) => queries.setQueryData(LOG, log),
  });
}

export function useSendRecordAgain() {
  const { api } = useSession();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (recordId: string) => api.mutate('log.sendAgain', { recordId }),
    onSuccess: (log) => queries.setQueryData(LOG, log),
  });
}

export function useSubscriptions() {
  const { api } = useSession();
  return useQuery({
    queryKey: ['subscriptions.list'],
    queryFn: ({ signal }) => api.query('subscriptions.list', undefined, signal),
  });
}

/** Stops (`cancel`) or restarts (`resume`) the renewal. Never optimistic: it is about money. */
export function useChangeRenewal(change: 'cancel' | 'resume') {
  const { api } = useSession();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (subscriptionId: string) => api.mutate(`subscriptions.${change}`, { subscriptionId }),
    onSuccess: (changed: SubscriptionView) => {
      queries.setQueryData<SubscriptionView[]>(['subscriptions.list'], (list) =>
        list?.map((one) => (one.id === changed.id ? changed : one)),
      );
      return refreshRights(queries);
    },
  });
}

/** Changes a setting at once and takes it back when the server refuses. */
export function useChangeSettings() {
  const { api } = useSession();
  const { language, setLanguage } = useWords();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (settings: Settings) => api.mutate('me.update', settings),
    onMutate: async (settings) => {
      await queries.cancelQueries({ queryKey: ['me.get'] });
      const before = queries.getQueryData<MeView>(['me.get']);
      if (before) queries.setQueryData<MeView>(['me.get'], { ...before, ...settings });
      if (settings.language) await setLanguage(settings.language);
      return { before, language };
    },
    onError: async (_error, settings, context) => {
      if (context?.before) queries.setQueryData(['me.get'], context.before);
      if (settings.language && context) await setLanguage(context.language);
    },
    onSuccess: async (me, settings) => {
      queries.setQueryData(['me.get'], me);
      if (settings.language) await queries.invalidateQueries();
    },
  });
}

/** Tells the server that the bot may write; only after the client granted it. */
export function useAllowMessages() {
  const { api } = useSession();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => api.mutate('me.allowMessages', undefined),
    onSuccess: (me) => queries.setQueryData(['me.get'], me),
  });
}

const ABOUT_RIGHTS = [
  'me.get',
  'catalog.list',
  'entitlements.list',
  'subscriptions.list',
  'payments.list',
  'payments.months',
  'checkout.preview',
];

/** After a payment or a change of renewal, everything that shows rights or payments is asked again. */
export function refreshRights(queries: ReturnType<typeof useQueryClient>): Promise<unknown> {
  return queries.invalidateQueries({ predicate: ({ queryKey }) => ABOUT_RIGHTS.includes(String(queryKey[0])) });
}
