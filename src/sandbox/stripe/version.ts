/** The one API version that is spoken here, which the SDK of this year sends with every call. */
export const API_VERSION = '2026-10-28.endive';
