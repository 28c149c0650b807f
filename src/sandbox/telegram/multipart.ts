import type { Upload } from './args.ts';

export type MultipartForm = { fields: [name: string, value: string][]; uploads: [name: string, upload: Upload][] };

const BLANK_LINE = '\r\n\r\n';

/**
 * Reads multipart/form-data (RFC 7578) as leniently as Telegram's server: bot libraries write headers in any case and
 * without the space after `:` and `;`, which Node's own parser refuses. Null when it is no such body.
 */
export function readMultipart(contentType: string, body: Buffer): MultipartForm | null {
  const boundary = /;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType);
  if (boundary === null) return null;
  const delimiter = `--${boundary[1] ?? boundary[2] ?? ''}`;
  const form: MultipartForm = { fields: [], uploads: [] };
  let start = body.indexOf(delimiter);
  if (start < 0) return null;
  for (;;) {
    start += delimiter.length;
    if (body.toString('latin1', start, start + 2) === '--') return form;
    const end = body.indexOf(`\r\n${delimiter}`, start);
    if (end < 0 || !readPart(body.subarray(start + 2, end), form)) return null;
    start = end + 2;
  }
}

function readPart(part: Buffer, form: MultipartForm): boolean {
  const headersEnd = part.indexOf(BLANK_LINE);
  if (headersEnd < 0) return false;
  const headers = new Map(
    part
      .toString('utf8', 0, headersEnd)
      .split('\r\n')
      .map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()] as const;
      }),
  );
  const disposition = headers.get('content-disposition') ?? '';
  const name = readParameter(disposition, 'name');
  if (name === null) return false;
  const content = part.subarray(headersEnd + BLANK_LINE.length);
  const fileName = readParameter(disposition, 'filename');
  if (fileName === null) form.fields.push([name, content.toString('utf8')]);
  else
    form.uploads.push([name, { name: fileName, type: headers.get('content-type') ?? '', bytes: Buffer.from(content) }]);
  return true;
}

/** A parameter of Content-Disposition; without quotes it goes up to the next semicolon, as grammY writes it. */
function readParameter(disposition: string, name: string): string | null {
  const match = new RegExp(`;\\s*${name}\\s*=\\s*(?:"([^"]*)"|([^;]+))`, 'i').exec(disposition);
  return match === null ? null : (match[1] ?? match[2]?.trim() ?? '').replaceAll('%22', '"');
}
