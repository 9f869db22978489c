"""Names of DAB-DETR's parameters (arXiv:2201.12329), and of DN-DETR's on it (arXiv:2203.01305)."""

from sdetr.interop.names.detr import DENSE, ENCODER

OWN = """
queries.anchors         refpoint_embed.weight             model.query_refpoint_embeddings.weight
queries.patterns        transformer.patterns.weight       model.patterns.weight
queries.labels          label_enc.weight/known            -
queries.unknown         label_enc.weight/unknown          -
class_head.0            class_embed                       class_embed
encoder.scale           transformer.encoder.query_scale   model.encoder.query_scale
decoder.query_scale     transformer.decoder.query_scale   model.decoder.query_scale
decoder.position        transformer.decoder.ref_point_head model.decoder.ref_point_head
decoder.size            transformer.decoder.ref_anchor_head model.decoder.ref_anchor_head
encoder.layers.{i}.     transformer.encoder.layers.{i}.   model.encoder.layers.{i}.
  feed_forward.activation activation                        activation_fn
decoder.layers.{i}.     transformer.decoder.layers.{i}.   model.decoder.layers.{i}.
  self_attention.query_content    sa_qcontent_proj      self_attn.self_attn_query_content_proj
  self_attention.query_position   sa_qpos_proj          self_attn.self_attn_query_pos_proj
  self_attention.key_content      sa_kcontent_proj      self_attn.self_attn_key_content_proj
  self_attention.key_position     sa_kpos_proj          self_attn.self_attn_key_pos_proj
  self_attention.value            sa_v_proj             self_attn.self_attn_value_proj
  self_attention.out              self_attn.out_proj    self_attn.self_attn.output_proj
  beside_self.norm                norm1                 self_attn.self_attn_layer_norm
  cross_attention.query_content   ca_qcontent_proj      cross_attn.cross_attn_query_content_proj
  cross_attention.query_position  ca_qpos_proj          cross_attn.cross_attn_query_pos_proj
  cross_attention.query_sine      ca_qpos_sine_proj     cross_attn.cross_attn_query_pos_sine_proj
  cross_attention.key_content     ca_kcontent_proj      cross_attn.cross_attn_key_content_proj
  cross_attention.key_position    ca_kpos_proj          cross_attn.cross_attn_key_pos_proj
  cross_attention.value           ca_v_proj             cross_attn.cross_attn_value_proj
  cross_attention.out             cross_attn.out_proj   cross_attn.cross_attn.output_proj
  beside_cross.norm               norm2                 cross_attn.cross_attn_layer_norm
  feed_forward.widen              linear1               mlp.fc1
  feed_forward.narrow             linear2               mlp.fc2
  feed_forward.activation         activation            mlp.activation_fn
  beside_feed.norm                norm3                 mlp.final_layer_norm
"""

DAB = ENCODER + DENSE + OWN
