/** The ways in which heatmaps can be computed. */

/**
 * How the heatmap of a class is computed from the last feature map A (h × w positions, channels k) and the class's logit.
 *
 * - `cam`: class activation maps, the prediction layer's weights applied at each position (Zhou et al. 2016). Only where the classifier
 *   behind the feature map is linear.
 * - `hirescam`: Σₖ gₖ · Aₖ, with the gradient g of the logit by A (Draelos & Carin 2020).
 * - `grad-cam`: relu(Σₖ αₖ · Aₖ), where αₖ is the average of gₖ over the positions (Selvaraju et al. 2017).
 * - `grad-cam++`: the same with averages in which positions have weights of their own (Chattopadhay et al. 2018).
 * - `layer-cam`: relu(Σₖ relu(gₖ) · Aₖ) (Jiang et al. 2021).
 */
export type HeatmapMethod = 'cam' | 'hirescam' | 'grad-cam' | 'grad-cam++' | 'layer-cam';

export const HEATMAP_METHODS: readonly HeatmapMethod[] = ['cam', 'hirescam', 'grad-cam', 'grad-cam++', 'layer-cam'];
