"""Names of Conditional DETR's parameters (arXiv:2108.06152)."""

from sdetr.interop.names.detr import DENSE, ENCODER, LEARNED

DECODER = """
queries.reference       transformer.decoder.ref_point_head model.decoder.ref_point_head
decoder.query_scale     transformer.decoder.query_scale   model.decoder.query_scale
decoder.layers.{i}.     transformer.decoder.layers.{i}.   model.decoder.layers.{i}.
  self_attention.query_content    sa_qcontent_proj          sa_qcontent_proj
  self_attention.query_position   sa_qpos_proj              sa_qpos_proj
  self_attention.key_content      sa_kcontent_proj          sa_kcontent_proj
  self_attention.key_position     sa_kpos_proj              sa_kpos_proj
  self_attention.value            sa_v_proj                 sa_v_proj
  self_attention.out              self_attn.out_proj        self_attn.out_proj
  beside_self.norm                norm1                     self_attn_layer_norm
  cross_attention.query_content   ca_qcontent_proj          ca_qcontent_proj
  cross_attention.query_position  ca_qpos_proj              ca_qpos_proj
  cross_attention.query_sine      ca_qpos_sine_proj         ca_qpos_sine_proj
  cross_attention.key_content     ca_kcontent_proj          ca_kcontent_proj
  cross_attention.key_position    ca_kpos_proj              ca_kpos_proj
  cross_attention.value           ca_v_proj                 ca_v_proj
  cross_attention.out             cross_attn.out_proj       encoder_attn.out_proj
  beside_cross.norm               norm2                     encoder_attn_layer_norm
  feed_forward.widen              linear1                   fc1
  feed_forward.narrow             linear2                   fc2
  beside_feed.norm                norm3                     final_layer_norm
"""

CONDITIONAL = ENCODER + DENSE + LEARNED + DECODER
