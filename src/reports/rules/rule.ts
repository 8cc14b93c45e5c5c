/** A rule that decides the status of a mention. The lists of rules are joined in `rules.ts`. */

/**
 * What a rule does to the mentions in its reach. A `real` rule changes nothing there. It only uses up words that look like a negation, so that
 * no other rule sees them. A mention between its words is negated, as in "no degenerative change", unless the rule is `whole`.
 */
export type RuleKind = 'negated' | 'uncertain' | 'historical' | 'hypothetical' | 'real';

export interface Rule {
  /** Its name in explanations. */
  id: string;
  kind: RuleKind;
  /** Which mentions it reaches: those after its own words (`behind`), those before them, or both. */
  reach: 'behind' | 'before' | 'both' | 'none';
  /** The most words that it reaches. By default it reaches to the end of its clause. */
  within?: number;
  /**
   * For `uncertain` rules: how often human indexers coded a mention with this cue as present (see README.md). From 0.5 on it counts as
   * present under the policy `cue`.
   */
  likelihood?: number;
  /** Whether it does not apply in a sentence with a word of `persistence`. */
  unlessPersisting?: true;
  /** Whether it only applies to diseases: prior pneumonia is over, but prior granulomatous disease is still visible. */
  diseasesOnly?: true;
  /** The only concepts to which it applies. */
  only?: ReadonlySet<string>;
  /** Concepts to which it does not apply. */
  except?: ReadonlySet<string>;
  /** For `real` rules: whether mentions between its words are not negated. */
  whole?: true;
  /** Whether it reaches into a relative clause: "compared with a film which showed an effusion". */
  intoRelative?: true;
  /** Whether it reaches beyond the comma after its clause: "if there is fever, pneumonia is likely". */
  intoMain?: true;
  phrases: readonly string[];
}
