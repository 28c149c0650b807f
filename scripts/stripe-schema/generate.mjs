// JSON Schemas of Stripe's wire, derived from the types of the installed SDK: they are of exactly the API version that
// the SDK speaks, and nothing has to be downloaded or committed. Methods and paths stand in the SDK's .js files, the
// types of parameters and answers in the .d.ts files beside them.
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';
import ts from 'typescript5';
import { EVENTS, OBJECTS, ROUTES } from './scope.mjs';

const SDK = dirname(createRequire(import.meta.url).resolve('stripe'));
const RESOURCES = join(SDK, 'resources');
/** A list is told by its route and an event by its type. */
const APART = ['list', 'event'];

/** `{ definitions, routes: { 'GET /v1/charges': { params, answer } }, objects: { charge }, events: { 'charge.failed' } }` */
export function generateSchemas() {
  const names = listNames(RESOURCES);
  const files = names.map((name) => join(RESOURCES, `${name}.d.ts`));
  const program = ts.createProgram(files, { strict: true, noLib: false, skipLibCheck: true, types: [] });
  const checker = program.getTypeChecker();
  const translate = new Translator(checker);
  const routes = {};
  const objects = {};
  const events = {};
  for (const name of names) {
    const source = program.getSourceFile(join(RESOURCES, `${name}.d.ts`));
    const calls = readCalls(readFileSync(join(RESOURCES, `${name}.js`), 'utf8'));
    source.forEachChild((node) => {
      if (ts.isClassDeclaration(node)) Object.assign(routes, readRoutes(node, calls, checker, translate));
      if (ts.isInterfaceDeclaration(node)) addObject(objects, checker.getTypeAtLocation(node), translate);
      if (ts.isTypeAliasDeclaration(node) && node.name.text === 'Event') {
        for (const type of checker.getTypeAtLocation(node).types) addEvent(events, type, translate);
      }
    });
  }
  const missing = [
    ...ROUTES.filter((route) => routes[route] === undefined),
    ...OBJECTS.filter((object) => !APART.includes(object) && objects[object] === undefined),
    ...EVENTS.filter((event) => events[event] === undefined),
  ];
  if (missing.length > 0) throw new Error(`The installed SDK does not know: ${missing.join(', ')}`);
  return { definitions: translate.definitions, routes, objects, events };
}

function listNames(dir) {
  return readdirSync(dir, { recursive: true })
    .map((file) => relative(RESOURCES, join(dir, file)).split(sep).join('/'))
    .filter((file) => file.endsWith('.d.ts') && !file.startsWith('V2/') && !file.startsWith('index'))
    .map((file) => file.replace(/\.d\.ts$/, ''));
}

/** Method name → `POST /v1/refunds/:id/cancel`. */
function readCalls(text) {
  const calls = new Map();
  const pattern = /^ {4}(\w+)\([^)]*\) \{\n\s+return this\._makeRequest\('(\w+)', ['`]([^'`]+)['`]/gm;
  for (const [, name, method, path] of text.matchAll(pattern)) {
    calls.set(name, `${method} ${path.replace(/\$\{[^}]+\}/g, ':id')}`);
  }
  return calls;
}

function readRoutes(node, calls, checker, translate) {
  const routes = {};
  for (const member of node.members) {
    const route = ts.isMethodDeclaration(member) ? calls.get(member.name.getText()) : undefined;
    if (route === undefined || !ROUTES.includes(route)) continue;
    const signature = checker.getSignatureFromDeclaration(member);
    const params = signature.parameters.find(({ name }) => name === 'params');
    const paramsType = params && checker.getNonNullableType(checker.getTypeOfSymbolAtLocation(params, member));
    routes[route] = {
      params: paramsType === undefined ? closed({}) : translate.read(paramsType),
      answer: readAnswer(signature.getReturnType(), checker, translate),
    };
  }
  return routes;
}

/** `Promise<Response<T>>`, or `ApiListPromise<T>`, which is a list on the wire. */
function readAnswer(type, checker, translate) {
  const [argument] = type.aliasTypeArguments ?? checker.getTypeArguments(type);
  if (type.symbol.name !== 'ApiListPromise') return translate.read(argument.aliasTypeArguments[0]);
  const data = { type: 'array', items: translate.read(argument) };
  return closed({ object: { const: 'list' }, data, has_more: { type: 'boolean' }, url: { type: 'string' } });
}

function addObject(objects, type, translate) {
  const name = translate.objectName(type);
  if (name === null || !OBJECTS.includes(name) || APART.includes(name)) return;
  const schema = translate.read(type);
  objects[name] = objects[name] === undefined ? schema : { anyOf: [objects[name], schema] };
}

function addEvent(events, type, translate) {
  const name = translate.literalOf(type, 'type');
  if (name !== null && EVENTS.includes(name)) events[name] = translate.read(type);
}

function closed(properties) {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false };
}

class Translator {
  definitions = {};
  #checker;
  #names = new Map();

  constructor(checker) {
    this.#checker = checker;
  }

  /** The schema of a type. Interfaces become definitions, so that circles end. */
  read(type) {
    const { TypeFlags } = ts;
    if (type.flags & (TypeFlags.Any | TypeFlags.Unknown)) return {};
    if (type.isUnion()) return this.#readUnion(type);
    if (type.isStringLiteral() || type.isNumberLiteral()) return { const: type.value };
    if (type.flags & TypeFlags.BooleanLiteral) return { const: type.intrinsicName === 'true' };
    if (type.flags & TypeFlags.String || isOtherString(type)) return { type: 'string' };
    if (type.flags & TypeFlags.Number) return { type: 'number' };
    if (type.flags & TypeFlags.Boolean) return { type: 'boolean' };
    if (type.flags & TypeFlags.Null) return { type: 'null' };
    if (isDecimal(type)) return { type: 'string' };
    if (this.#checker.isArrayType(type)) {
      return { type: 'array', items: this.read(this.#checker.getTypeArguments(type)[0]) };
    }
    return { $ref: `#/definitions/${this.#define(type)}` };
  }

  /** The value of `object` where a type is one of Stripe's objects. */
  objectName(type) {
    return this.literalOf(type, 'object');
  }

  literalOf(type, property) {
    const symbol = type.getProperty(property);
    const found = symbol && this.#checker.getTypeOfSymbol(symbol);
    return found?.isStringLiteral() ? found.value : null;
  }

  /** Enums are closed (the types leave them open), objects that are never sent are left out. */
  #readUnion(type) {
    const literals = type.types.filter((one) => one.isStringLiteral());
    const others = type.types.filter((one) => !one.isStringLiteral() && !(isOtherString(one) && literals.length > 0));
    const known = others.filter(
      (one) => !(one.flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Void)) && !this.#isForeign(one),
    );
    const booleans = known.filter((one) => one.flags & ts.TypeFlags.BooleanLiteral);
    const rest = booleans.length === 2 ? known.filter((one) => !booleans.includes(one)) : known;
    const schemas = [
      ...(literals.length > 0 ? [{ type: 'string', enum: literals.map(({ value }) => value) }] : []),
      ...(booleans.length === 2 ? [{ type: 'boolean' }] : []),
      ...rest.map((one) => this.read(one)),
    ];
    if (schemas.length === 0) return false;
    return schemas.length === 1 ? schemas[0] : { anyOf: schemas };
  }

  #isForeign(type) {
    const name = type.flags & ts.TypeFlags.Object ? this.objectName(type) : null;
    if (name === 'event') return !EVENTS.includes(this.literalOf(type, 'type'));
    return name !== null && !OBJECTS.includes(name);
  }

  #define(type) {
    const known = this.#names.get(type);
    if (known !== undefined) return known;
    const name = `${type.aliasSymbol?.name ?? type.symbol?.name ?? 'type'}_${this.#names.size}`;
    this.#names.set(type, name);
    const properties = {};
    const required = [];
    for (const symbol of this.#checker.getPropertiesOfType(type)) {
      const found = this.#checker.getTypeOfSymbol(symbol);
      const schema = found.flags & (ts.TypeFlags.Void | ts.TypeFlags.Undefined) ? false : this.read(found);
      if (schema === false) continue;
      properties[symbol.name] = schema;
      if (!(symbol.flags & ts.SymbolFlags.Optional)) required.push(symbol.name);
    }
    const index = this.#checker.getIndexInfoOfType(type, ts.IndexKind.String);
    this.definitions[name] = {
      type: 'object',
      properties,
      required,
      additionalProperties: index === undefined ? false : this.read(index.type),
    };
    return name;
  }
}

/** `string & Record<never, never>`, with which the SDK keeps its enums open. */
function isOtherString(type) {
  return type.isIntersection() && type.types.some(({ flags }) => flags & ts.TypeFlags.String);
}

/** An object in the SDK, a text on the wire. */
function isDecimal(type) {
  return type.aliasSymbol?.name === 'Decimal' || type.symbol?.name === 'DecimalImpl' || type.symbol?.name === 'Decimal';
}
