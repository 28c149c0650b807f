/** `POST /v1/refunds`, with `:id` for one part of the path. */
export const ROUTES: readonly string[];
