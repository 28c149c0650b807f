import { z } from 'zod';

/** A decimal amount, which BTCPay takes as a JSON string or number. */
export const decimalText = z.union([z.string().regex(/^-?\d+(\.\d+)?$/), z.number()]).transform(String);

/** A JSON object of the caller, kept as it is. */
export const metadata = z.record(z.string(), z.unknown());
