/**
 * Recognises networks that raybox cannot run, or only under torchvision's names, by the names of their tensors in common implementations.
 * So the error can say what the network is.
 */

const FAMILIES: readonly [family: string, mark: RegExp][] = [
  ['a Swin transformer', /relative_position_bias_table$/],
  [
    'a vision transformer (ViT)',
    /(^|\.)(cls_token|class_token|patch_embed\.proj\.weight|pos_embed(ding)?|class_embedding)$/,
  ],
  [
    'a vision transformer (ViT)',
    /(^|\.)(attn\.(qkv|in_proj)[._]weight|self_attention\.in_proj_weight|attention\.attention\.query\.weight)$/,
  ],
  [
    'a transformer',
    /(^|\.)(transformer|(self_)?attn|attention)\.(.*\.)?(in_proj_weight|[qkv]_proj\.weight|query\.weight)$/,
  ],
  [
    'a ConvNeXt under other names than torchvision’s',
    /(^|\.)stages\.\d+\.((blocks|layers)\.)?\d+\.(gamma|layer_scale_parameter|conv_dw\.weight|dwconv\.weight)$/,
  ],
  [
    'an EfficientNet under other names than torchvision’s',
    /(^|\.)(_blocks\.\d+\._(depthwise_conv|project_conv)\.weight|_conv_stem\.weight)$/,
  ],
  ['a MobileNet of another kind', /(^|\.)(features\.0\.0\.weight|model\.\d+\.[03]\.weight)$/],
  [
    'an EfficientNet or a MobileNet under other names than torchvision’s',
    /(^|\.)(blocks\.\d+\.\d+\.(conv_dw|conv_pwl|conv_pw)|conv_stem)\.weight$/,
  ],
  [
    'an Inception network other than torchvision’s Inception v3',
    /(^|\.)(mixed_\w+|conv2d_1a_3x3|repeat\.\d+)\.(.*\.)?weight$/i,
  ],
  ['an Xception', /(^|\.)block\d+\.rep\.\d+\.(.*\.)?weight$/],
  ['a RegNet under other names than torchvision’s', /(^|\.)s\d\.b\d\./],
  ['an HRNet', /(^|\.)stage\d\.\d+\.(branches|fuse_layers)\./],
  ['a ResNet of Hugging Face', /(^|\.)encoder\.stages\.\d+\.layers\.\d+\.layer\.\d+\.convolution\.weight$/],
  [
    'a ResNet of another kind (ResNetV2, ResNeSt or RepVGG)',
    /(^|\.)(stages\.\d+\.blocks\.\d+\.conv\d|block\d\.unit\d+\.conv\d|stage\d\.\d+\.rbr_\w+(\.conv)?)\.weight$/,
  ],
  ['a YOLO', /(^|\.)model\.\d+\.(m\.\d+|cv\d)\.(.*\.)?weight$/],
  ['a U-Net', /(^|\.)(double_conv|maxpool_conv|up\d|down\d|upconv\d|dec(oder)?_?\d|decoder\.blocks)\.(.*\.)?weight$/],
];

/** Names of tensors in networks that do something else than to classify whole images. Their backbones may be known ones. */
const OTHER_TASKS: readonly [kind: string, mark: RegExp][] = [
  [
    'a detection network',
    /(^|\.)(rpn|rpn_head|roi_heads?|bbox_(head|embed)|regression_head\.(module_list|conv|bbox_reg))\./,
  ],
  ['a segmentation network', /(^|\.)((mask|decode|segmentation)_head|(low|high|aux)_classifier)\./],
];

/** What the network is in words, with names of tensors that show it; undefined if none shows anything else than a classifier. */
export function otherTask(names: Iterable<string>): { kind: string; marks: readonly string[] } | undefined {
  const all = [...names];
  for (const [kind, mark] of OTHER_TASKS) {
    const marks = all.filter((name) => mark.test(name));
    if (marks.length > 0) return { kind, marks };
  }
  return undefined;
}

/** The family in words, such as `a U-Net`; undefined if the names match none that is listed here. */
export function unsupportedFamily(names: Iterable<string>): string | undefined {
  const all = [...names];
  return FAMILIES.find(([, mark]) => all.some((name) => mark.test(name)))?.[0];
}
