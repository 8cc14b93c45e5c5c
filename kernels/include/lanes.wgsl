// 1 for the lanes of vec4 group `group` that hold one of `channels` channels, 0 for padding lanes.
fn lane_mask(group: u32, channels: u32) -> vec4f {
  return select(vec4f(0), vec4f(1), vec4u(group * 4) + vec4u(0, 1, 2, 3) < vec4u(channels));
}
