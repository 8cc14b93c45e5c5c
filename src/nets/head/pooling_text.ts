/** A head's pooling in words, for messages and model cards. */
import type { Head } from '../architecture.js';

/** What is pooled, and how: `log-sum-exp, r = 10`. */
export function poolingText({ pooling, r, topK, lowK, lseR0, attentionChannels }: Head): string {
  switch (pooling) {
    case 'lse':
      return `log-sum-exp, r = ${r}`;
    case 'pcam':
      return 'Probabilistic-CAM of class maps';
    case 'top-k':
      return `the ${topK} highest${lowK ? ` and the ${lowK} lowest` : ''} logits of class maps`;
    case 'lse-lba':
      return `log-sum-exp of class maps, r = ${lseR0} + exp(β) with a learnt β for each class`;
    case 'attention':
      return `gated attention for each class, ${attentionChannels} hidden channels`;
    default:
      return pooling;
  }
}
