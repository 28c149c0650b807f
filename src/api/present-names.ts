import type { CatalogPlan, CatalogProduct } from '#domain/catalog/list-catalog.ts';
import type { Language } from '#domain/identity/rules.ts';

/** A plan with the product it belongs to. */
export type SoldPlan = Readonly<{ product: CatalogProduct; plan: CatalogPlan }>;

const UNKNOWN = { planId: null, planName: null, productCode: null, productName: null };

/** How what somebody bought is called; all null where that is not known here any more. */
export function presentNames(sold: SoldPlan | null, language: Language) {
  return sold ? presentHeld(sold, language) : UNKNOWN;
}

/** How what somebody has is called. */
export function presentHeld({ plan, product }: SoldPlan, language: Language) {
  return {
    planId: plan.id,
    planName: plan.texts[language].name,
    productCode: product.code,
    productName: product.texts[language].name,
  };
}
