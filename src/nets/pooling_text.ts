/** A head's pooling in words, for messages and model cards. */
import type { Head } from './architecture.js';

/** What is pooled, and how: `log-sum-exp, r = 10`. */
export function poolingText({ pooling, r }: Pick<Head, 'pooling' | 'r'>): string {
  if (pooling === 'lse') return `log-sum-exp, r = ${r}`;
  return pooling === 'pcam' ? 'Probabilistic-CAM of class maps' : pooling;
}
