"""Names of DETR's parameters (arXiv:2005.12872), and what other dense families share with it."""

ENCODER = """
encoder.norm            transformer.encoder.norm          -
encoder.layers.{i}.     transformer.encoder.layers.{i}.   model.encoder.layers.{i}.
  self_attention.query    self_attn.q_proj                  self_attn.q_proj
  self_attention.key      self_attn.k_proj                  self_attn.k_proj
  self_attention.value    self_attn.v_proj                  self_attn.v_proj
  self_attention.out      self_attn.out_proj                self_attn.out_proj
  beside_self.norm        norm1                             self_attn_layer_norm
  feed_forward.widen      linear1                           fc1
  feed_forward.narrow     linear2                           fc2
  beside_feed.norm        norm2                             final_layer_norm
"""

DENSE = """
neck.levels.0           input_proj                        model.input_projection
decoder.norm            transformer.decoder.norm          model.decoder.layernorm
box_head.0              bbox_embed                        bbox_predictor
"""

LEARNED = """
queries.position        query_embed.weight                model.query_position_embeddings.weight
class_head.0            class_embed                       class_labels_classifier
"""

DECODER = """
decoder.layers.{i}.     transformer.decoder.layers.{i}.   model.decoder.layers.{i}.
  self_attention.query    self_attn.q_proj                  self_attn.q_proj
  self_attention.key      self_attn.k_proj                  self_attn.k_proj
  self_attention.value    self_attn.v_proj                  self_attn.v_proj
  self_attention.out      self_attn.out_proj                self_attn.out_proj
  beside_self.norm        norm1                             self_attn_layer_norm
  cross_attention.query   multihead_attn.q_proj             encoder_attn.q_proj
  cross_attention.key     multihead_attn.k_proj             encoder_attn.k_proj
  cross_attention.value   multihead_attn.v_proj             encoder_attn.v_proj
  cross_attention.out     multihead_attn.out_proj           encoder_attn.out_proj
  beside_cross.norm       norm2                             encoder_attn_layer_norm
  feed_forward.widen      linear1                           fc1
  feed_forward.narrow     linear2                           fc2
  beside_feed.norm        norm3                             final_layer_norm
"""

MASKS = """
mask_head.attention.query  bbox_attention.q_linear  bbox_attention.q_linear
mask_head.attention.key    bbox_attention.k_linear  bbox_attention.k_linear
mask_head.first.conv       mask_head.lay1           mask_head.lay1
mask_head.first.norm       mask_head.gn1            mask_head.gn1
mask_head.second.conv      mask_head.lay2           mask_head.lay2
mask_head.second.norm      mask_head.gn2            mask_head.gn2
mask_head.refine.0.conv    mask_head.lay3           mask_head.lay3
mask_head.refine.0.norm    mask_head.gn3            mask_head.gn3
mask_head.refine.1.conv    mask_head.lay4           mask_head.lay4
mask_head.refine.1.norm    mask_head.gn4            mask_head.gn4
mask_head.refine.2.conv    mask_head.lay5           mask_head.lay5
mask_head.refine.2.norm    mask_head.gn5            mask_head.gn5
mask_head.adapters.0       mask_head.adapter1       mask_head.adapter1
mask_head.adapters.1       mask_head.adapter2       mask_head.adapter2
mask_head.adapters.2       mask_head.adapter3       mask_head.adapter3
mask_head.out              mask_head.out_lay        mask_head.out_lay
"""
"""Where there is a mask head, the rest stands below `detr`."""

DETR = ENCODER + DENSE + LEARNED + DECODER + MASKS
