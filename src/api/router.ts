import { addingRouter } from './screens/adding.ts';
import { catalogRouter } from './screens/catalog.ts';
import { checkoutRouter } from './screens/checkout.ts';
import { entitlementsRouter } from './screens/entitlements.ts';
import { logRouter } from './screens/log.ts';
import { meRouter } from './screens/me.ts';
import { methodsRouter } from './screens/methods.ts';
import { payRouter } from './screens/pay.ts';
import { paymentsRouter } from './screens/payments.ts';
import { privacyRouter } from './screens/privacy.ts';
import { recordsRouter } from './screens/records.ts';
import { sessionRouter } from './screens/session.ts';
import { subscriptionsRouter } from './screens/subscriptions.ts';
import { router } from './trpc.ts';

/** All procedures of the Mini App. The table below lists what they take and show. */
export const appRouter = router({
  session: sessionRouter,
  me: meRouter,
  catalog: catalogRouter,
  checkout: checkoutRouter,
  pay: payRouter,
  methods: methodsRouter,
  adding: addingRouter,
  privacy: privacyRouter,
  payments: paymentsRouter,
  subscriptions: subscriptionsRouter,
  entitlements: entitlementsRouter,
  log: logRouter,
  records: recordsRouter,
});

export type AppRouter = typeof appRouter;

/*
 * What they take and show; the shapes are in views.ts and privacy-views.ts. q = query, m = mutation. All but session.start, pay.* and
 * adding.* need a session.
 *
 * session.start      m  { initData: string, startParam?: string }   -> { token: string, expiresAt: string, me: MeView }
 * me.get             q  -> MeView
 * me.update          m  { language?, wantsReminders?, wantsSalesNotices? } -> MeView
 * me.allowMessages   m  -> MeView                       (after the client granted write access)
 * catalog.list       q  -> ProductView[]                (plan lines and plugins, in order)
 * checkout.preview   q  { priceId } -> CheckoutPreview
 * checkout.start     m  { priceId, method: Method, provider?, storedMethodId? } -> InvoiceView
 *                       (resumes the open order of the same price; a stored method is charged at once, and the answer shows
 *                       what became of it where its provider knows within five seconds: paid, pending or failure)
 * checkout.status    q  { invoiceId } -> InvoiceView
 * checkout.cancel    m  { invoiceId } -> InvoiceView
 * payments.list      q  { cursor?, limit? (<= 50), status?: PaymentStatusView, month?: 'YYYY-MM' } -> PaymentPage
 * payments.months    q  -> string[]                     (months 'YYYY-MM' with payments, newest first, at most 60)
 * payments.receipt   q  { paymentId } -> ReceiptView
 * payments.receiptLink m { paymentId } -> ReceiptLinkView   (the PDF, for five minutes)
 * methods.list       q  -> StoredMethodView[]           (newest first)
 * methods.providers  q  -> StoringProviderView[]
 * methods.add        m  { provider } -> AddingView
 * methods.confirm    m  { methodId, token?, code? } -> StoredMethodView | null   (null: the person has not finished)
 * methods.claim      m  { methodId, secret } -> StoredMethodView     (from the browser in which it was given: it is mine)
 * methods.remove     m  { methodId } -> { isRemoved: true }
 * privacy.keys       q  -> { keys: BillingKeyView[], now: string }   (newest first; now: the server's time, ISO 8601)
 * privacy.addKey     m  { publicKey } -> { outcome: 'begun' | 'updated' | 'retired', key: BillingKeyView }
 * privacy.proveKey   m  { keyId, code } -> BillingKeyView
 * privacy.retireKey  m  { keyId } -> { isRetired: true }
 * privacy.seen       q  -> SeenClassView[]              (what the server has of the reader)
 * privacy.export     q  -> ExportStateView              (the copy asked for last)
 * privacy.requestExport m -> ExportStateView            (while one is under way, that one; at most three a day)
 * privacy.erasure    q  -> ErasureView
 * privacy.askErasure m  { word } -> ErasureView          (asked twice it is one)
 * privacy.cancelErasure m -> ErasureView
 * privacy.agreements q  -> AgreementsView               (newest first)
 * adding.get         q  { methodId, language } -> OpenAddingView     (for whoever holds the link, for a day)
 * adding.confirm     m  { methodId, language, token: string | null, code?, secret, back? } -> OpenAddingView
 * pay.order          q  { invoiceId, language } -> LinkedOrderView   (for whoever holds the link)
 * pay.start          m  { invoiceId, language, method, provider } -> { invoiceId, url: string | null }
 * subscriptions.list q  -> SubscriptionView[]           (newest first, at most 50)
 * subscriptions.cancel m { subscriptionId } -> SubscriptionView
 * subscriptions.resume m { subscriptionId } -> SubscriptionView
 * entitlements.list  q  -> EntitlementView[]
 * log.get            q  -> PersonalLogView
 * log.update         m  { isOn?, isSilent?, asDocument?, keepDays?: 0 | 30 | 365 } -> PersonalLogView
 * log.unbind         m  -> PersonalLogView              (a group is bound in the chat: bindUrl)
 * log.sendAgain      m  { recordId } -> PersonalLogView (records whose canSend is true)
 * records.forPayments q { paymentIds: 1 to 50 } -> PaymentRecordsView   (newest first; of payments that are not the reader's: none)
 * records.signingKey q  -> SigningKeyView
 */
