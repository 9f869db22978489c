"""
IN    data/raw/**/{split}.json, data/{scale}/backbones/{name}.safetensors; no labels
OUT   data/{scale}/proposals/{dataset}/{proposer}.parquet, in shards that any number of machines share
      data/{scale}/views/{protocol}/{recipe}/seed{k}.parquet, and their features where a scale makes them ahead
      data/{scale}/pretrain/{protocol}/{pretext}/{model}/seed{k}/

What others wait for goes first (`priority`).
"""


scattergather:
    shards=PLAN.shards,


rule propose:
    input:
        PLAN.input("proposals/{dataset}/{name}"),
        settings="data/{scale}/settings/proposals/{dataset}/{name}.yaml",
    output:
        temp("data/{scale}/state/proposals/{dataset}/{name}/{scatteritem}.parquet"),
    log:
        "logs/{scale}/proposals/{dataset}/{name}/{scatteritem}.log",
    priority: 1
    threads: 1
    resources:
        mem_mb=PLAN.resource("proposals/{dataset}/{name}", "mem_mb"),
        runtime=PLAN.resource("proposals/{dataset}/{name}", "minutes"),
    params:
        shard=lambda wildcards: wildcards.scatteritem.replace("-of-", "/"),
    shell:
        "exec sdetr propose --settings {input.settings} --shard {params.shard} --out {output}"
        " 2> >(tee {log} >&2)"


rule proposals:
    input:
        shards=gather.shards(
            "data/{{scale}}/state/proposals/{{dataset}}/{{name}}/{scatteritem}.parquet"
        ),
        settings="data/{scale}/settings/proposals/{dataset}/{name}.yaml",
    output:
        file="data/{scale}/proposals/{dataset}/{name}.parquet",
        record="data/{scale}/proposals/{dataset}/{name}.json",
    log:
        "logs/{scale}/proposals/{dataset}/{name}.log",
    priority: 1
    threads: 1
    resources:
        mem_mb=PLAN.resource("proposals/{dataset}/{name}", "mem_mb"),
        runtime=PLAN.resource("proposals/{dataset}/{name}", "minutes"),
    shell:
        "exec sdetr merge-proposals --settings {input.settings} --out {output.file} {input.shards}"
        " 2> >(tee {log} >&2)"


rule views:
    input:
        PLAN.input("views/{plan}"),
        settings="data/{scale}/settings/views/{plan}.yaml",
    output:
        file="data/{scale}/views/{plan}.parquet",
        record="data/{scale}/views/{plan}.json",
    log:
        "logs/{scale}/views/{plan}.log",
    priority: 1
    threads: 1
    resources:
        mem_mb=PLAN.resource("views/{plan}", "mem_mb"),
        runtime=PLAN.resource("views/{plan}", "minutes"),
    shell:
        "exec sdetr views --settings {input.settings} --out {output.file} 2> >(tee {log} >&2)"


rule features:
    input:
        PLAN.input("features/{plan}", "dataset"),
        PLAN.input("features/{plan}", "plan"),
        settings="data/{scale}/settings/features/{plan}.yaml",
        init=PLAN.input("features/{plan}", "init"),
    output:
        file="data/{scale}/features/{plan}.safetensors",
        record="data/{scale}/features/{plan}.json",
    log:
        "logs/{scale}/features/{plan}.log",
    priority: 1
    threads: 1
    resources:
        mem_mb=PLAN.resource("features/{plan}", "mem_mb"),
        runtime=PLAN.resource("features/{plan}", "minutes"),
        gpu=PLAN.resource("features/{plan}", "gpu"),
    shell:
        "exec sdetr features --settings {input.settings} --init {input.init} --out {output.file}"
        " 2> >(tee {log} >&2)"


rule pretrain:
    input:
        PLAN.input("{pretraining}"),
        settings="data/{scale}/settings/{pretraining}.yaml",
        init=PLAN.input("{pretraining}", "init"),
    output:
        weights="data/{scale}/{pretraining}/weights.safetensors",
        heads="data/{scale}/{pretraining}/pretext.safetensors",
        settings="data/{scale}/{pretraining}/settings.yaml",
        curve="data/{scale}/{pretraining}/metrics.jsonl",
        record="data/{scale}/{pretraining}/run.json",
        pictures=directory("data/{scale}/{pretraining}/pictures"),
    log:
        "logs/{scale}/{pretraining}.log",
    priority: 1
    threads: PLAN.resource("{pretraining}", "threads")
    resources:
        mem_mb=PLAN.resource("{pretraining}", "mem_mb"),
        runtime=PLAN.resource("{pretraining}", "minutes"),
        gpu=PLAN.resource("{pretraining}", "gpu"),
        nodes=PLAN.resource("{pretraining}", "nodes"),
        gres=PLAN.gres("{pretraining}"),
        tasks=PLAN.on_nodes("{pretraining}"),
        tasks_per_gpu=PLAN.on_nodes("{pretraining}", -1),
        mpi=PLAN.on_nodes("{pretraining}", "srun"),
    params:
        out=subpath(output.weights, parent=True),
    shell:
        "exec sdetr pretrain --ranks {resources.gpu} --nodes {resources.nodes} --threads {threads}"
        " --settings {input.settings} --init {input.init} --out {params.out}"
        " 2> >(tee {log} >&2)"
