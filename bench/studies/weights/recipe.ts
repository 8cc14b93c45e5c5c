/** A recipe for weights: which networks are trained, one after another, and which of them become one weights file. */
import { InputError } from '../../../src/errors.js';
import { isObject } from '../../../src/formats/checks.js';

export interface Member {
  name: string;
  /** Options of `raybox train`, as they are typed. */
  train: readonly string[];
  /** An earlier member whose weights this one starts from. */
  startsFrom?: string;
  /** Its part of the time that there is, in proportion to those of the others. Default 1. */
  share: number;
}

export interface Recipe {
  members: readonly Member[];
  /** Names of the members whose mean is the result. */
  ensemble: readonly string[];
  /** Whether each of them also sees the mirrored image. */
  mirror: boolean;
  /** The specificity of the operating thresholds on the validation images. Undefined: they have the best Youden's index. */
  specificity?: number;
  /** Metadata of the result, beside what the members say: such as `{"imageKind": "patients", "minRegion": 2}`. */
  metadata: Readonly<Record<string, unknown>>;
}

/** Options that the recipe decides on itself. */
const OWN = ['--data', '--out', '--resume', '--seed', '--train-list', '--validation-list', '--test-list'];

/** @throws InputError naming the first field that is not as it should be. */
export function parseRecipe(json: unknown, path: string): Recipe {
  const wrong = (what: string, expected: string) => new InputError(`${path}: ${what} is wrong`, { expected });
  if (!isObject(json)) throw wrong('the recipe', 'a JSON object');
  const unknown = Object.keys(json).find(
    (name) => !['train', 'members', 'ensemble', 'mirror', 'specificity', 'metadata'].includes(name),
  );
  if (unknown !== undefined) throw wrong(unknown, 'train, members, ensemble, mirror, specificity, metadata');
  const { train = [], members: given, mirror = false, specificity, metadata = {} } = json;
  if (!isWords(train)) throw wrong('train', 'options of raybox train: ["--classes", "14", …]');
  if (!isObject(given) || Object.keys(given).length === 0) throw wrong('members', 'networks by their names');
  const members: Member[] = [];
  for (const [name, member] of Object.entries(given)) {
    if (!/^[\w-]+$/.test(name)) throw wrong(`the name ${JSON.stringify(name)}`, 'letters, digits, _ and -');
    members.push(parseMember(name, member, train, members, wrong));
  }
  const names = members.map(({ name }) => name);
  const { ensemble = names } = json;
  if (!isWords(ensemble) || ensemble.length === 0 || !ensemble.every((name) => names.includes(name)))
    throw wrong('ensemble', `a list of ${names.join(', ')}`);
  if (typeof mirror !== 'boolean') throw wrong('mirror', 'true or false');
  if (specificity !== undefined && !(typeof specificity === 'number' && specificity > 0 && specificity <= 1))
    throw wrong('specificity', 'a number above 0, at most 1');
  if (!isObject(metadata)) throw wrong('metadata', 'a JSON object');
  return { members, ensemble, mirror, metadata, ...(specificity === undefined ? {} : { specificity }) };
}

function parseMember(
  name: string,
  member: unknown,
  common: readonly string[],
  earlier: readonly Member[],
  wrong: (what: string, expected: string) => InputError,
): Member {
  if (!isObject(member)) throw wrong(name, 'an object with train');
  const { train = [], startsFrom, share = 1, ...others } = member;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw wrong(`${name}.${unknown}`, 'train, startsFrom, share');
  if (!isWords(train)) throw wrong(`${name}.train`, 'options of raybox train: ["--epochs", "4", …]');
  const all = [...common, ...train];
  const own = OWN.find((option) => all.some((word) => word === option || word.startsWith(`${option}=`)));
  if (own !== undefined) throw wrong(`${name}.train: ${own}`, 'no such option, because all members share it');
  if (startsFrom !== undefined && !earlier.some((one) => one.name === startsFrom))
    throw wrong(
      `${name}.startsFrom`,
      `an earlier member: ${earlier.map((one) => one.name).join(', ') || 'there is none'}`,
    );
  if (typeof share !== 'number' || !(share > 0)) throw wrong(`${name}.share`, 'a number above 0');
  return { name, train: all, share, ...(startsFrom === undefined ? {} : { startsFrom: startsFrom as string }) };
}

const isWords = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((word) => typeof word === 'string');
