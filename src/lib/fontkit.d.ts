declare module 'fontkit' {
  /** Parses a font file. pdfkit takes the result as a source, which its types do not say. */
  export function create(bytes: Uint8Array): PDFKit.Mixins.PDFFontSource;
}
