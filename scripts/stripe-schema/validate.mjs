// Checks what goes over Stripe's wire against the types of the installed SDK, strictly both ways: an unknown field and
// an unknown value of an enum are mistakes. Every function answers with complaints; an empty list means all is well.
// Not in the types, and so not checked here: rules between fields, ranges of amounts and times, idempotency.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Ajv } from 'ajv';
import qs from 'qs';
import { generateSchemas } from './generate.mjs';

const HERE = import.meta.dirname;
const CACHE = join(HERE, '..', '..', 'node_modules', '.cache', 'stripe-schema');
/** Deep enough for line items, long enough for their lists; beyond that qs would bend what was sent. */
const FORM = { depth: 30, arrayLimit: 1000, parameterLimit: 10_000 };

const schemas = loadSchemas();
const ofRequests = makeAjv({ coerceTypes: true });
const ofObjects = makeAjv({ coerceTypes: false });
const compiled = new Map();

/**
 * A request as it was sent: `url` with its query, `body` as it went over the wire.
 * @param {string} method
 * @param {string} url
 * @param {string} [body]
 * @returns {string[]}
 */
export function validateRequest(method, url, body = '') {
  const { pathname, search } = new URL(url, 'http://stripe');
  const route = findRoute(method, pathname);
  if (route === undefined) return [`there is no ${method} ${pathname} (or it is not in scope.mjs)`];
  const params = qs.parse(method === 'GET' ? search.slice(1) : body, FORM);
  return check(ofRequests, route.params, params);
}

/**
 * The answer to a request, when it is not an error.
 * @param {string} method
 * @param {string} url
 * @param {unknown} answer
 * @returns {string[]}
 */
export function validateAnswer(method, url, answer) {
  const { pathname } = new URL(url, 'http://stripe');
  const route = findRoute(method, pathname);
  if (route === undefined) return [`there is no ${method} ${pathname} (or it is not in scope.mjs)`];
  return check(ofObjects, route.answer, answer);
}

/**
 * One of Stripe's objects, known by its `object`.
 * @param {unknown} object
 * @returns {string[]}
 */
export function validateObject(object) {
  if (object?.object === 'event') return validateEvent(object);
  const schema = schemas.objects[object?.object];
  if (schema === undefined) return [`${object?.object} is no object of Stripe (or it is not in scope.mjs)`];
  return check(ofObjects, schema, object);
}

/**
 * A snapshot event with what it carries.
 * @param {unknown} event
 * @returns {string[]}
 */
export function validateEvent(event) {
  const schema = schemas.events[event?.type];
  if (schema === undefined) return [`${event?.type} is no event of Stripe (or it is not in scope.mjs)`];
  return check(ofObjects, schema, event);
}

function findRoute(method, pathname) {
  const fits = ([name]) => new RegExp(`^${name.replace(/:id/g, '[^/]+')}$`).test(`${method} ${pathname}`);
  return Object.entries(schemas.routes).find(fits)?.[1];
}

function makeAjv({ coerceTypes }) {
  const ajv = new Ajv({ allErrors: true, strict: false, verbose: true, coerceTypes });
  return ajv.addSchema({ $id: 'stripe', definitions: schemas.definitions });
}

function check(ajv, schema, value) {
  const key = `${ajv === ofRequests} ${JSON.stringify(schema)}`;
  let validate = compiled.get(key);
  if (validate === undefined) {
    validate = ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/definitions/', '"stripe#/definitions/')));
    compiled.set(key, validate);
  }
  return validate(value) ? [] : describe(validate.errors);
}

/** Of the branches of a union only the one that came furthest says something useful. */
function describe(errors) {
  const own = errors.filter(({ keyword }) => keyword !== 'anyOf');
  const deepest = Math.max(...own.map(({ instancePath }) => instancePath.split('/').length));
  const isTold = (error) =>
    error.instancePath.split('/').length === deepest ||
    !errors.some(({ keyword, instancePath }) => keyword === 'anyOf' && error.instancePath.startsWith(instancePath));
  return [...new Set(own.filter(isTold).map(tell))];
}

function tell({ instancePath, message, params, data }) {
  const where = instancePath === '' ? '' : `${instancePath.slice(1)} `;
  const what = params.additionalProperty ?? params.allowedValue ?? '';
  const given = typeof data === 'object' ? '' : ` (${JSON.stringify(data)})`;
  return `${where}${message}${what === '' ? '' : `: ${what}`}${given}`;
}

/** Made once per version of the SDK and of the files here. */
function loadSchemas() {
  const hash = createHash('sha256');
  const sdk = dirname(createRequire(import.meta.url).resolve('stripe'));
  for (const file of [join(HERE, 'generate.mjs'), join(HERE, 'scope.mjs'), join(sdk, '..', 'package.json')]) {
    hash.update(readFileSync(file));
  }
  const file = join(CACHE, `${hash.digest('hex').slice(0, 16)}.json`);
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8'));
  const made = generateSchemas();
  mkdirSync(CACHE, { recursive: true });
  // Two test files may make it at the same time; each then finds a whole file.
  writeFileSync(`${file}.${process.pid}`, JSON.stringify(made));
  renameSync(`${file}.${process.pid}`, file);
  return made;
}
