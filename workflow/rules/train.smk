"""
IN    data/{scale}/settings/**: what decides each run; data/raw/**/{split}.json
OUT   data/{scale}/backbones/{name}.safetensors, data/{scale}/finetune/{protocol}/{model}/{start}/seed{k}/
      data/{scale}/evaluate/{protocol}/{model}/{start}/seed{k}/: what is measured without fine-tuning,
      and what figures show of a detector
      data/{scale}/rehearse/{protocol}/{model}/{dataset}/seed{k}/: images learned by heart before all that
      data/{scale}/bench/{protocol}/{model}/{start}/seed{k}/: what steps of a pretraining take

A run's live state is in data/{scale}/state/ and never declared: Snakemake deletes the declared outputs of failed jobs.
"""


rule backbone:
    input:
        PLAN.input("backbones/{name}"),
        settings="data/{scale}/settings/backbones/{name}.yaml",
    output:
        weights="data/{scale}/backbones/{name}.safetensors",
        record="data/{scale}/backbones/{name}.json",
    log:
        "logs/{scale}/backbones/{name}.log",
    priority: 1
    threads: PLAN.resource("backbones/{name}", "threads")
    resources:
        mem_mb=PLAN.resource("backbones/{name}", "mem_mb"),
        runtime=PLAN.resource("backbones/{name}", "minutes"),
        gpu=PLAN.resource("backbones/{name}", "gpu"),
    shell:
        "exec sdetr backbone --settings {input.settings} --out {output.weights} 2> >(tee {log} >&2)"


# Before anything long, where a scale says so: a few labelled images, learned by heart.
rule rehearse:
    input:
        PLAN.input("{rehearsal}"),
        settings="data/{scale}/settings/{rehearsal}.yaml",
    output:
        check="data/{scale}/{rehearsal}/check.json",
        settings="data/{scale}/{rehearsal}/settings.yaml",
        record="data/{scale}/{rehearsal}/run.json",
    log:
        "logs/{scale}/{rehearsal}.log",
    priority: 2
    threads: PLAN.resource("{rehearsal}", "threads")
    resources:
        mem_mb=PLAN.resource("{rehearsal}", "mem_mb"),
        runtime=PLAN.resource("{rehearsal}", "minutes"),
        gpu=PLAN.resource("{rehearsal}", "gpu"),
    params:
        out=subpath(output.check, parent=True),
    shell:
        "exec sdetr rehearse --settings {input.settings} --out {params.out} 2> >(tee {log} >&2)"


rule finetune:
    input:
        PLAN.input("{run}"),
        settings="data/{scale}/settings/{run}.yaml",
        init=PLAN.input("{run}", "init"),
    output:
        weights="data/{scale}/{run}/weights.safetensors",
        settings="data/{scale}/{run}/settings.yaml",
        curve="data/{scale}/{run}/metrics.jsonl",
        predictions="data/{scale}/{run}/predictions.json",
        record="data/{scale}/{run}/run.json",
        pictures=directory("data/{scale}/{run}/pictures"),
    log:
        "logs/{scale}/{run}.log",
    threads: PLAN.resource("{run}", "threads")
    resources:
        mem_mb=PLAN.resource("{run}", "mem_mb"),
        runtime=PLAN.resource("{run}", "minutes"),
        gpu=PLAN.resource("{run}", "gpu"),
        nodes=PLAN.resource("{run}", "nodes"),
        gres=PLAN.gres("{run}"),
        tasks=PLAN.on_nodes("{run}"),
        tasks_per_gpu=PLAN.on_nodes("{run}", -1),
        mpi=PLAN.on_nodes("{run}", "srun"),
    params:
        out=subpath(output.weights, parent=True),
    shell:
        "exec sdetr train --ranks {resources.gpu} --nodes {resources.nodes} --threads {threads}"
        " --settings {input.settings} --init {input.init} --out {params.out} 2> >(tee {log} >&2)"


# What learned masks writes segments, too; all else of it is the same.
use rule finetune as finetune_masks with:
    output:
        weights="data/{scale}/{run}/weights.safetensors",
        settings="data/{scale}/{run}/settings.yaml",
        curve="data/{scale}/{run}/metrics.jsonl",
        predictions="data/{scale}/{run}/predictions.json",
        panoptic="data/{scale}/{run}/panoptic.json",
        record="data/{scale}/{run}/run.json",
        segments=directory("data/{scale}/{run}/panoptic"),
        pictures=directory("data/{scale}/{run}/pictures"),
    wildcard_constraints:
        run=PLAN.masked(),


ruleorder: finetune_masks > finetune


rule measure:
    input:
        PLAN.input("{measured}"),
        settings="data/{scale}/settings/{measured}.yaml",
    output:
        predictions="data/{scale}/{measured}/predictions.json",
        settings="data/{scale}/{measured}/settings.yaml",
        record="data/{scale}/{measured}/run.json",
    log:
        "logs/{scale}/{measured}.log",
    wildcard_constraints:
        measured=PLAN.evaluated("measure"),
    threads: PLAN.resource("{measured}", "threads")
    resources:
        mem_mb=PLAN.resource("{measured}", "mem_mb"),
        runtime=PLAN.resource("{measured}", "minutes"),
        gpu=PLAN.resource("{measured}", "gpu"),
    params:
        out=subpath(output.predictions, parent=True),
    shell:
        "exec sdetr measure --settings {input.settings} --out {params.out} 2> >(tee {log} >&2)"


rule look:
    input:
        PLAN.input("{looked}"),
        settings="data/{scale}/settings/{looked}.yaml",
    output:
        looks="data/{scale}/{looked}/looks.npz",
        settings="data/{scale}/{looked}/settings.yaml",
        record="data/{scale}/{looked}/run.json",
    log:
        "logs/{scale}/{looked}.log",
    wildcard_constraints:
        looked=PLAN.evaluated("look"),
    threads: PLAN.resource("{looked}", "threads")
    resources:
        mem_mb=PLAN.resource("{looked}", "mem_mb"),
        runtime=PLAN.resource("{looked}", "minutes"),
        gpu=PLAN.resource("{looked}", "gpu"),
    params:
        out=subpath(output.looks, parent=True),
    shell:
        "exec sdetr look --settings {input.settings} --out {params.out} 2> >(tee {log} >&2)"


rule cost:
    input:
        PLAN.input("{costed}"),
        settings="data/{scale}/settings/{costed}.yaml",
        init=PLAN.input("{costed}", "init"),
    output:
        cost="data/{scale}/{costed}/cost.json",
        settings="data/{scale}/{costed}/settings.yaml",
        record="data/{scale}/{costed}/run.json",
    log:
        "logs/{scale}/{costed}.log",
    threads: PLAN.resource("{costed}", "threads")
    resources:
        mem_mb=PLAN.resource("{costed}", "mem_mb"),
        runtime=PLAN.resource("{costed}", "minutes"),
        gpu=PLAN.resource("{costed}", "gpu"),
    params:
        out=subpath(output.cost, parent=True),
    shell:
        "exec sdetr cost --settings {input.settings} --init {input.init} --out {params.out} 2> >(tee {log} >&2)"
