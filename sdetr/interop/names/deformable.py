"""Names of Deformable DETR's parameters (arXiv:2010.04159), and of the DAB and DN detectors made of it."""

# Siamese DETR (arXiv:2303.18144) keeps position and content of queries apart, and one box head, unnumbered.
# In the decoder norm1 is beside cross-attention and norm2 beside self-attention, unlike in any other family.
DEFORMABLE = """
neck.levels.{i}         input_proj.{i}                    model.input_proj.{i}
tokens.level            transformer.level_embed           model.level_embed
queries.position        query_embed.weight/position       model.query_position_embeddings.weight/position
queries.content         query_embed.weight/content        model.query_position_embeddings.weight/content
queries.position        query_embed.weight                -
queries.content         tgt_embed.weight                  -
queries.content         transformer.tgt_embed.weight      -
queries.content         transformer.tgt_embed             -
queries.anchors         refpoint_embed.weight             -
queries.patterns        patterns_embed.weight             -
queries.labels          label_enc.weight/known            -
queries.unknown         label_enc.weight/unknown          -
queries.reference       transformer.reference_points      model.reference_points
queries.feature         transformer.enc_output            model.enc_output
queries.feature_norm    transformer.enc_output_norm       model.enc_output_norm
queries.embed           transformer.pos_trans             model.pos_trans
queries.embed_norm      transformer.pos_trans_norm        model.pos_trans_norm
decoder.query_scale     transformer.decoder.query_scale   -
decoder.position        transformer.decoder.ref_point_head -
class_head.{i}          class_embed.{i}                   class_embed.{i}
box_head.{i}            bbox_embed.{i}                    bbox_embed.{i}
box_head.0              bbox_embed                        -
encoder.layers.{i}.     transformer.encoder.layers.{i}.   model.encoder.layers.{i}.
  self_attention.offsets  self_attn.sampling_offsets        self_attn.sampling_offsets
  self_attention.weights  self_attn.attention_weights       self_attn.attention_weights
  self_attention.value    self_attn.value_proj              self_attn.value_proj
  self_attention.out      self_attn.output_proj             self_attn.output_proj
  beside_self.norm        norm1                             self_attn_layer_norm
  feed_forward.widen      linear1                           fc1
  feed_forward.narrow     linear2                           fc2
  beside_feed.norm        norm2                             final_layer_norm
decoder.layers.{i}.     transformer.decoder.layers.{i}.   model.decoder.layers.{i}.
  cross_attention.offsets cross_attn.sampling_offsets       encoder_attn.sampling_offsets
  cross_attention.weights cross_attn.attention_weights      encoder_attn.attention_weights
  cross_attention.value   cross_attn.value_proj             encoder_attn.value_proj
  cross_attention.out     cross_attn.output_proj            encoder_attn.output_proj
  beside_cross.norm       norm1                             encoder_attn_layer_norm
  self_attention.query    self_attn.q_proj                  self_attn.q_proj
  self_attention.key      self_attn.k_proj                  self_attn.k_proj
  self_attention.value    self_attn.v_proj                  self_attn.v_proj
  self_attention.out      self_attn.out_proj                self_attn.out_proj
  beside_self.norm        norm2                             self_attn_layer_norm
  feed_forward.widen      linear1                           fc1
  feed_forward.narrow     linear2                           fc2
  beside_feed.norm        norm3                             final_layer_norm
"""
