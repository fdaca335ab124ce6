"""The Chinese twins of what users read, by the English sentence as it stands in the code. Knows nothing.

Names in braces are the same in both. The first part is words, then what the terminal says, the verdict, the report.
"""

# ruff: noqa: E501  a Chinese character counts two there

SENTENCES: dict[str, str] = {
    # how many
    "{num} rows": "{num} 行",
    "{num} test rows": "{num} 行测试数据",
    "{num} validation rows": "{num} 行验证数据",
    "{num} complete rows": "{num} 行完整数据",
    "{num} rows are": "{num} 行",
    "{num} test rows that have": "{num} 行测试数据",
    "{num} candidates": "{num} 个候选模型",
    "{num} candidates look": "{num} 个候选模型",
    "{num} more candidates": "另有 {num} 个候选模型",
    "{num} combinations": "{num} 种组合",
    "{num} options": "{num} 个选项",
    "{num} groups": "{num} 组",
    "{num} folds": "{num} 折",
    "{num} splits": "{num} 次划分",
    "{num} times": "{num} 次",
    "{num} missing cells were": "{num} 个缺失单元格",
    "{num} more reasons": "另外 {num} 个原因",
    "once": "一次",
    "twice": "两次",
    "and {num} more": "等，另有 {num} 个",
    # words
    "accuracy": "准确率",
    "balanced accuracy": "平衡准确率",
    "macro F1": "宏平均 F1",
    "micro F1": "微平均 F1",
    "weighted F1": "加权 F1",
    "F1 per row": "每行 F1",
    "macro precision": "宏平均精确率",
    "macro recall": "宏平均召回率",
    "average precision": "平均精度",
    "Hamming loss": "汉明损失",
    "exact match": "完全匹配率",
    "quadratic kappa": "二次加权 kappa",
    "log loss": "对数损失",
    "precision": "精确率",
    "recall": "召回率",
    "confidence": "置信度",
    "image": "图片",
    "audio": "声音",
    "text": "文本",
    "tabular": "表格",
    "series": "序列",
    "vectors": "向量",
    "video": "视频",
    "train": "训练集",
    "val": "验证集",
    "test": "测试集",
    "validation": "验证",
    "row": "行",
    "group": "组",
    "blank": "空",
    "missing": "缺失",
    "right": "正确",
    "wrong": "错误",
    "lower": "越低",
    "higher": "越高",
    "unknown": "未知",
    "a label": "标签",
    "alone": "单独",
    "alone then fused": "先单独训练，再融合",
    "fine-tuned": "微调",
    "joint training": "联合训练",
    "late fusion": "晚期融合",
    "classic": "经典学习器",
    "baseline": "基线",
    "ensemble": "集成",
    "deep": "网络",
    "parallel": "并行",
    "sequential": "顺序",
    "tree": "树形",
    "of the best of each": "由各模态最佳者组成",
    "majority class": "多数类",
    "always the mean": "总答平均值",
    "mean": "平均值",
    "this model": "本模型",
    "consistent with calibrated": "与已校准一致",
    "overconfident": "过于自信",
    "underconfident": "自信不足",
    "noise": "噪声",
    "blur": "模糊",
    "occlusion": "遮挡",
    "noise in sound": "声音中的噪声",
    "noise in series": "序列中的噪声",
    "noise in vectors": "向量中的噪声",
    "noise in numbers": "数值中的噪声",
    "lost stretch of time": "丢失一段时间",
    "dropped words": "去掉一些词",
    "decibels of the sound above the noise": "声音高于噪声的分贝数",
    "standard deviation, share of black to white": "标准差，占黑到白的比例",
    "standard deviation, share of the shorter side": "标准差，占短边的比例",
    "standard deviations of each channel": "各通道的标准差",
    "standard deviations of each number": "各数值的标准差",
    "standard deviations of the column": "该列的标准差",
    "share of the area": "面积的比例",
    "share of the time": "时间的比例",
    "share of the frames": "帧的比例",
    "majority": "多数类",
    "share of the rows": "行的比例",
    "share of the words": "词的比例",
    "as it is": "原样",
    "{num} without a sound track": "{num} 个没有音轨",
    "{num} blank": "{num} 个为空",
    "{num} broken": "{num} 个损坏",
    "{low} to {high}": "{low} 到 {high}",
    "{value} ({low} to {high})": "{value}（{low} 到 {high}）",
    "{size} points": "{size} 个百分点",
    ", else ": "，否则 ",
    ", ": "、",
    " and ": "和",
    ".": "。",
    ":": "：",
    "such as": "例如",
    ", such as {example}": "，例如 {example}",
    "{rows} of {groups}": "{rows}（{groups}）",
    "{rows}, drawn from {num}": "{rows}，从 {num} 行中抽取",
    # the leaderboard and the summary
    "candidate": "候选模型",
    "how": "做法",
    "training time": "训练时间",
    "parameters": "参数量",
    "latency per row": "每行延迟",
    "memory": "内存",
    "loss": "损失",
    "{metric}, validation": "{metric}（验证）",
    "{metric}, test": "{metric}（测试）",
    "No interval: {why}.": "没有区间：{why}。",
    "fewer than {num} rows": "少于 {num} 行",
    "the simplest within one standard error of the lowest loss on validation":
        "与最低验证损失相差不超过一个标准误的最简单者",
    "candidates taken together, selected by rows that they did not learn from":
        "若干候选模型的平均，按它们没有学过的行选出",
    "the one candidate that was selected, by rows that it did not learn from": "按没有学过的行选出的唯一候选模型",
    "the simplest within one standard error of the fewest word errors on validation; WER: 0 is best":
        "与最少验证词错误相差不超过一个标准误的最简单者；WER：0 最好",
    "the lowest loss on validation, among the fused": "融合候选中验证损失最低者",
    "* {rule}; — not looked at on the test rows": "* {rule}；— 没有看过测试数据",
    "+ kept as it was scored: plait predict RUN TABLE --candidate NAME, model.use(NAME)":
        "+ 按评分时的样子保留：plait predict RUN TABLE --candidate NAME，model.use(NAME)",
    "{look} at one modality, {num} at several.": "{look}只看一个模态，{num} 个看多个模态。",
    "{more}: print(model.study)": "{more}：print(model.study)",
    "On the test rows {metric} is {score} for * {winner}.": "在测试数据上，* {winner} 的{metric}为 {score}。",
    "On {scored} of {rows} test rows {metric} is {score} for * {winner}.":
        "在 {rows} 行测试数据中的 {scored} 行上，* {winner} 的{metric}为 {score}。",
    "{name} alone reaches {score} on the {rows} it.": "单用 {name}，在含有它的 {rows}上达到 {score}。",
    "On {rows}, each left out {times} in {folds}, {metric} is {score}, by what won without them.":
        "{rows}在 {folds}中各留出{times}，由没有学过它们的优胜者回答，{metric}为 {score}。",
    "There are no test rows, so the score on rows never seen is not known; score another table with evaluate.":
        "没有测试数据，所以不知道在没见过的行上的成绩；请用 evaluate 对另一张表打分。",
    "all labelled rows": "所有有标签的行",
    "training and validation rows": "训练和验证数据",
    "; {names} as before": "；{names} 保持不变",
    "The model that answers from here on has learned anew from {what} ({rows}{kept}); what is said of test rows "
    "is of the model before.":
        "今后作答的模型已用{what}（{rows} 行{kept}）重新学习；关于测试数据的结论说的是此前的模型。",
    "{rows}: {train} train, {val} validation, {test} test{left_out}.":
        "{rows}：训练 {train}，验证 {val}，测试 {test}{left_out}。",
    ", {num} without {needed} or split": "，{num} 行没有{needed}或没有划分",
    "{name}: missing in {rows} ({parts}).": "{name}：{rows}缺失（{parts}）。",
    "{name}: {cells} filled by conversion.": "{name}：{cells}由转换补上。",
    "target {name}: {why}": "目标 {name}：{why}",
    "{num} labels": "{num} 个标签",
    "The time limit ended the fit; the best so far is kept.": "时间到，训练结束；保留目前最好的。",
    "The fit was interrupted; the best so far is kept.": "训练被中断；保留目前最好的。",
    "open {page}": "打开 {page}",
    "its robustness and explanations are of {rows}, drawn; of more with --report-rows":
        "其中的稳健性和解释取自抽取的 {rows}；--report-rows 可取更多",
    "{next}   or   {command}": "{next}   或   {command}",
    "next: {command}   or   {other}": "接下来：{command}   或   {other}",
    "Learning curve: {metric} on validation {reached} rows; {end}.": "学习曲线：验证{metric}为 {reached} 行；{end}。",
    "{score} at {rows}": "{score}，用 {rows}",
    "too few points to say more": "点太少，无法多说",
    "still rising: more rows are likely to help": "仍在上升：更多的行很可能有用",
    "level: more rows alike may not help much": "已经持平：更多类似的行可能帮助不大",
    "warning: {name} is left out: {why}": "注意：{name} 没有使用：{why}",
    # what softens a score
    "Of the {num} rows held out the winner gets no more right than always answering {name}, which is right in {share}.":
        "在留出的 {num} 行上，优胜者答对的不比总答 {name} 更多，后者答对 {share}。",
    "The winner answers {name} to every one of the {num} rows held out: it tells nothing apart.":
        "对留出的 {num} 行，优胜者每一行都答 {name}：它什么也没有区分。",
    "Of the {num} rows held out the winner never answers {names}: rows that have them are few.":
        "在留出的 {num} 行上，优胜者从不答 {names}：有这些标签的行很少。",
    "Of the {num} rows held out the winner never answers {names}.": "在留出的 {num} 行上，优胜者从不答 {names}。",
    "On the {num} rows held out the winner does no better than always answering the mean, as far as they can tell.":
        "就留出的 {num} 行看，优胜者不比总答平均值更好。",
    "{share} of the test rows are copies of training rows: on others the scores would be lower.":
        "{share} 的测试数据是训练数据的副本：换成别的行，成绩会更低。",
    "In {share} of the test rows a cell of {names} cannot be read.": "{share} 的测试数据中，{names} 的单元格无法读取。",
    "These {rows} have been looked at by {num} fits with different options: the best of them looks better than it is.":
        "这 {rows}已被 {num} 次选项不同的训练看过：其中最好的看起来比实际更好。",
    "--balance weights the classes so that rare ones count as much as common ones.":
        "--balance 给各类加权，使少见的类与常见的类同样重要。",
    "More rows, or columns that say more of the target, may help; plait check looks for faults in these.":
        "更多的行，或更能说明目标的列，可能有帮助；plait check 会检查其中的问题。",
    # the verdict
    "Combining helps": "融合有帮助",
    "Combining hurts": "融合有害",
    "Combining makes no difference that matters": "融合没有值得在意的差别",
    "These rows cannot tell whether combining helps": "这些行不能说明融合是否有帮助",
    "Not tested whether combining helps: {reason}.": "没有检验融合是否有帮助：{reason}。",
    "there is only one modality": "只有一个模态",
    "there are no test rows": "没有测试数据",
    "the time limit left no fused candidate": "时间限制内没有融合候选模型",
    "the time limit left no candidate of one modality": "时间限制内没有单模态候选模型",
    "no test row has a word to be heard": "没有一行测试数据含有可听的词",
    "the target is the same number in all test rows": "所有测试数据的目标都是同一个数",
    "the metric is not defined on these test rows": "这些测试数据上无法定义该指标",
    "there are {num} test rows with a label, and it takes {least}": "有标签的测试数据有 {num} 行，而至少需要 {least} 行",
    "the test rows are of {groups}, and it takes {least}": "测试数据只有 {groups}，而至少需要 {least} 组",
    "combining helps": "融合有帮助",
    "combining hurts": "融合有害",
    "it makes no difference that matters": "没有值得在意的差别",
    "the rows cannot tell": "这些行不能说明",
    "it was not tested": "没有检验",
    "{begin}{counted} {fused} {reaches} {tested}, {said} {reached}: {size} (95 % interval {low} to {high}, "
    "{p}{corrected}){within}.":
        "{begin}{counted}在 {tested}上，{fused} {reaches}，{said}为 {reached}：{size}"
        "（95 % 区间 {low} 到 {high}，{p}{corrected}）{within}。",
    " by less than the margin of {margin}": "，但不到 {margin} 的界限",
    ", within the margin of {margin}": "，在 {margin} 的界限之内",
    "{size} more": "多 {size}",
    "{size} less": "少 {size}",
    "{size} better": "好 {size}",
    "{size} worse": "差 {size}",
    "no difference": "没有差别",
    ", corrected for {num} comparisons": "，已按 {num} 次比较校正",
    ", in all {splits}. In that of the median p,": "，全部 {splits}都是如此。在 p 居中的那一次，",
    ". Of {splits}, {counted}; in that of the median p,": "。在 {splits}中，{counted}；在 p 居中的那一次，",
    "{code} in {num}": "{num} 次{code}",
    "is right in {share} of": "答对 {share}",
    "in {share}": "{share}",
    "reaches {name} {value} on": "的 {name} 为 {value}",
    "a balanced accuracy of": "平衡准确率",
    "a macro F1 of": "宏平均 F1",
    "an AUROC of": "AUROC",
    "a log loss of": "对数损失",
    "an MAE of": "MAE",
    "an RMSE of": "RMSE",
    "an R² of": "R²",
    "a WER of": "WER",
    "a quadratic kappa of": "二次加权 kappa",
    "an F1 per row of": "每行 F1",
    "a micro F1 of": "微平均 F1",
    "an average precision of": "平均精度",
    "a Hamming loss of": "汉明损失",
    "an exact match of": "完全匹配率",
    "{rows}, each left out {times}": "{rows}（各留出{times}）",
    "{name} alone": "单用 {name}",
    "the best rule that uses one modality a row ({rule})": "每行只用一个模态的最佳规则（{rule}）",
    "a rule that uses one modality a row ({rule})": "每行只用一个模态的一条规则（{rule}）",
    "In 4 of 5 cases they would have shown a difference of {difference}": "五次中有四次，它们能显出的差别为 {difference}",
    "They are too few to show any difference": "行数太少，显不出任何差别",
    "{shown}.": "{shown}。",
    "{shown}; about {rows} would show {size}.": "{shown}；要显出 {size}，约需 {rows}。",
    "Taking another modality on the {rows} without {name} brings {size} by itself.":
        "在没有 {name} 的 {rows}上改用另一个模态，本身就带来 {size}。",
    "Taking another modality on the {rows} without {name} costs {size} by itself.":
        "在没有 {name} 的 {rows}上改用另一个模态，本身就损失 {size}。",
    "The model that answers from here on is {name}.": "今后作答的模型是 {name}。",
    # the first page of the report
    "{target}: plait report": "{target}：plait 报告",
    "plait report": "plait 报告",
    "Skip to the verdict": "跳到结论",
    "Contents": "目录",
    "Can <q><bdi>{target}</bdi></q> be told from {modalities}?": "能从{modalities}判断<q><bdi>{target}</bdi></q>吗？",
    "A number is predicted for each row of {table}, {rows}.": "为 {table} 的每一行预测一个数值，共 {rows}。",
    "Any of {num} labels are predicted for each row of {table}, {rows}.":
        "为 {table} 的每一行预测 {num} 个标签中的任意几个，共 {rows}。",
    "One of {num} classes is predicted for each row of {table}, {rows}.":
        "为 {table} 的每一行预测 {num} 个类别之一，共 {rows}。",
    "All scores are {metric}: {help}.": "所有成绩都是{metric}：{help}。",
    "All scores are {metric}.": "所有成绩都是{metric}。",
    "minus the logarithm of the probability of the true class; 0 is best": "真实类别概率的对数取负；0 最好",
    "the share of rows that are right; 1 is best": "答对的行所占的比例；1 最好",
    "the share of rows that are right, each class counting the same; 1 is best": "答对的比例，各类同等计算；1 最好",
    "precision and recall in one number, each class counting the same; 1 is best":
        "精确率与召回率合成的一个数，各类同等计算；1 最好",
    "agreement beyond chance, where far off counts more; 0 is chance, 1 is best":
        "超出偶然的一致程度，差得越远罚得越多；0 为偶然，1 最好",
    "precision and recall of the labels of a row in one number, the mean over rows; 1 is best":
        "每行标签的精确率与召回率合成的一个数，对各行取平均；1 最好",
    "precision and recall of all labels of all rows in one number; 1 is best":
        "所有行所有标签的精确率与召回率合成的一个数；1 最好",
    "how well rows with a label are told from others, the mean over labels; 1 is best":
        "有某标签的行与其他行区分得多好，对各标签取平均；1 最好",
    "the share of all labels of all rows that are wrong; 0 is best": "所有行所有标签中答错的比例；0 最好",
    "the share of rows of which all labels are right; 1 is best": "所有标签都答对的行所占的比例；1 最好",
    "how well the classes are told apart; 0.5 is chance, 1 is best": "各类区分得多好；0.5 为偶然，1 最好",
    "the share of the variation that is explained; 0 is no better than the mean, 1 is best":
        "得到解释的变化所占的比例；0 等于总答平均值，1 最好",
    "the mean distance from the truth, in the unit of the target; 0 is best": "与真值的平均距离，以目标的单位计；0 最好",
    "the typical distance from the truth, large ones counting more, in the unit of the target; 0 is best":
        "与真值的典型距离，大的距离计得更重，以目标的单位计；0 最好",
    "On {rows} that it did not learn from": "取自它没有学过的 {rows}",
    "lines are 95&nbsp;% intervals; {lower} is better.": "线段是 95&nbsp;% 区间；{lower}越好。",
    "What to do next": "接下来做什么",
    "Do not use the model yet: its {metric} of {score} is no better than an answer that looks at nothing ({prior}). "
    "Check the target, and look for columns that say more of it.":
        "先不要使用这个模型：它的{metric}为 {score}，不比什么也不看的回答（{prior}）更好。"
        "请检查目标，并寻找更能说明它的列。",
    "Give more test rows: {rows} cannot tell whether combining helps, about {needed} would.":
        "请提供更多测试数据：{rows} 行不能说明融合是否有帮助，约 {needed} 行可以。",
    "Give more test rows: these cannot tell whether combining helps.": "请提供更多测试数据：现有的不能说明融合是否有帮助。",
    "Use {rule} alone: it is better than the combination.": "请单用 {rule}：它比融合更好。",
    "Where cost counts, use {rule} alone: what the others add is too little to matter.":
        "在意成本时，请单用 {rule}：其他模态增加的微不足道。",
    "Keep some labelled rows for a test: without them no score is known for rows never seen.":
        "请留出一些有标签的行做测试：没有它们，就不知道在没见过的行上的成绩。",
    "{name} adds nothing that the tested rows can show: try without it (--ignore {columns}).":
        "测试数据看不出 {name} 有什么贡献：可以去掉它再试（--ignore {columns}）。",
    "The class {name} is found in only {recall} of {rows}.": "类别 {name} 的 {rows}中只找出了 {recall}。",
    "The label {name} is found in only {recall} of {rows}.": "标签 {name} 的 {rows}中只找出了 {recall}。",
    "More rows of it, or --balance, may help.": "给出更多这一类的行，或用 --balance，可能有帮助。",
    "That is too few rows to be sure: give more of it.": "行数太少，还不能确定：请给出更多这一类的行。",
    "Look at the {rows} of {true} that are predicted as {said}: their labels may be wrong.":
        "请看一看被预测为 {said} 的 {rows} {true}：它们的标签可能有误。",
    "Mend the cells of {name} that cannot be read, in {rows}: plait check TABLE names them.":
        "{name} 有 {rows}的单元格无法读取，请修好：plait check TABLE 会列出它们。",
    "Fill holes where you can: {name} is missing in {share} of the rows.": "请尽量补上缺失：{share} 的行缺少 {name}。",
    "Give more training rows: the learning curve still rises.": "请提供更多训练数据：学习曲线仍在上升。",
    "Do not take its confidence at its word: it is {confidence} on average, and the answer right in {accuracy}.":
        "不要照单全收它的置信度：平均 {confidence}，而答对 {accuracy}。",
    "Nothing stands out. Score the model on rows that are new: plait evaluate RUN TABLE.":
        "没有特别之处。请用新的行给模型打分：plait evaluate RUN TABLE。",
    # the titles of its sections
    "Did combining help?": "融合有帮助吗？",
    "The data and its holes": "数据及其缺失",
    "Every candidate": "所有候选模型",
    "What it gets wrong": "它错在哪里",
    "Can its probabilities be believed?": "它的概率可信吗？",
    "What if the input gets worse?": "如果输入变差？",
    "What if a modality is missing?": "如果缺少一个模态？",
    "Which modality mattered?": "哪个模态重要？",
    "Rows explained": "逐行解释",
    "What it costs": "代价",
    "Would more rows help?": "更多的行有用吗？",
    "How to repeat it": "如何重做",
    # where there is nothing to show
    "There are no test rows with a label, so there are no mistakes to count.": "没有带标签的测试数据，所以没有错误可数。",
    "Calibration was not measured: it needs probabilities, and rows with a label.": "没有测量校准：这需要概率和带标签的行。",
    "Robustness was not measured in this run.": "这次没有测量稳健性。",
    "The model was not scored with some of its modalities left out.": "没有在去掉部分模态的情况下给模型打分。",
    "What each modality adds was not measured in this run.": "这次没有测量每个模态的贡献。",
    "No rows were explained in this run.": "这次没有逐行解释。",
    "No learning curve was drawn; plait fit --learning-curve draws one.":
        "没有画学习曲线；plait fit --learning-curve 会画。",
    "The time limit ended the fit before this was measured.": "测量之前时间已到。",
    # its verdict
    "Combining the modalities helps.": "融合这些模态有帮助。",
    "On rows that nobody had looked at before, the model that combines is better than every way to use one modality a "
    "row, and by more than chance explains.":
        "在没有人看过的行上，融合的模型比每一种每行只用一个模态的做法都好，而且超出了偶然能解释的程度。",
    "It is worth having more than one of them.": "值得同时拥有多个模态。",
    "Combining makes no difference that matters.": "融合没有值得在意的差别。",
    "On rows that nobody had looked at before, the model that combines is neither better nor worse than the best way to "
    "use one modality a row, but for a margin too small to matter.":
        "在没有人看过的行上，融合的模型与每行只用一个模态的最佳做法不相上下，差别小得不值得在意。",
    "These rows cannot tell whether combining helps.": "这些行不能说明融合是否有帮助。",
    "The difference is one that chance explains, and the test rows are too few to rule out one that matters. More test "
    "rows would tell.": "这个差别可以用偶然解释，而测试数据太少，不能排除有意义的差别。更多测试数据能够说明。",
    "Combining the modalities hurts.": "融合这些模态有害。",
    "On rows that nobody had looked at before, the model that combines is worse than a way to use one modality a row, "
    "and by more than chance explains. Use that one.":
        "在没有人看过的行上，融合的模型不如某种每行只用一个模态的做法，而且超出了偶然能解释的程度。请用那一种。",
    "Not tested: does combining the modalities help?": "没有检验：融合这些模态有帮助吗？",
    "So this report makes no claim about it. The scores below stand on their own.":
        "所以本报告对此不作结论。下面的成绩各自独立。",
    "What combining gains over each way to use one modality a row, with 95 % intervals":
        "融合相对于每种只用一个模态的做法的增益，附 95 % 区间",
    "What combining gains": "融合的增益",
    "What {fused} gains in {metric} over each way to use one modality a row.":
        "{fused} 相对于每种每行只用一个模态的做法，在{metric}上的增益。",
    "A point is a hundredth.": "一个百分点是百分之一。",
    "The lines are 95&nbsp;% intervals. Right of the dashed line combining is better; an interval that crosses it "
    "leaves the question open.": "线段是 95&nbsp;% 区间。虚线右侧表示融合更好；跨过虚线的区间说明尚无定论。",
    "p, by {unit}": "p（按{unit}）",
    "(below 0.05 counts as evidence)": "（低于 0.05 算作证据）",
    "<i>{rule}</i> takes the answer of {first}, and where there is none that of {second}.":
        "<i>{rule}</i>：取 {first} 的回答，没有时取 {second} 的。",
    "Combining helps only if it beats every way to use one modality a row. <i>Complete rows</i> have every modality: "
    "there it is held against the best of them alone. The test rows were looked at once, after all choices were made.":
        "只有胜过每一种每行只用一个模态的做法，融合才算有帮助。<i>完整的行</i>含有所有模态："
        "在那里与其中最好的单个模态相比。测试数据只在所有选择完成之后看过一次。",
    "over {rule}": "相对于{rule}",
    "of it on {rows} without {name}": "其中在没有 {name} 的 {rows}上",
    "on {rows}": "在 {rows}上",
    "Chosen model": "选定的模型",
    "on test rows": "（测试数据）",
    "on validation rows": "（验证数据）",
    # its data
    "{num} without a label left out.": "{num}没有标签，没有使用。",
    "The model learns from training rows, choices are made on validation rows, and the test rows are looked at once, at "
    "the end.": "模型从训练数据学习，在验证数据上做选择，测试数据只在最后看一次。",
    "The modalities and how often each is there": "各模态及其出现的比例",
    "modality": "模态",
    "kind": "种类",
    "present in {part}": "{part}中的出现率",
    "present in": "出现率",
    "blank cells": "空单元格",
    "broken cells": "损坏的单元格",
    "Some cells are missing. A hole stays a hole: it is never filled with zeros, nor with the data of another row, and a "
    "row with holes still gets an answer.":
        "有些单元格缺失。缺失就是缺失：绝不用零或别的行的数据填补，有缺失的行仍会得到回答。",
    "No row lacks a modality.": "没有一行缺少模态。",
    # its leaderboard
    "{candidates}, ordered by {metric} on validation rows ({lower} is better).":
        "{candidates}，按验证数据上的{metric}排列（{lower}越好）。",
    "Each line is a 95&nbsp;% interval: where two overlap widely, the order says little. The star marks the choice: "
    "{rule}.": "每条线段是 95&nbsp;% 区间：两条大幅重叠时，先后说明不了什么。星号是选中者：{rule}。",
    "Only the winner, the best fusion and each modality alone were looked at on test rows.":
        "只有优胜者、最佳融合和各单个模态看过测试数据。",
    "The best candidates": "最好的候选模型",
    "The other {candidates}": "其余 {candidates}",
    "The other candidates": "其余候选模型",
    "on validation": "验证",
    "on test": "测试",
    "with 95&nbsp;% interval": "附 95&nbsp;% 区间",
    "not scored": "没有成绩",
    "not looked at": "没有看过",
    "winner": "优胜",
    # its mistakes
    "{num} of {rows} right ({share}).": "{rows}中答对 {num}（{share}）。",
    "{num} of {rows} right ({share})": "{rows}中答对 {num}（{share}）",
    "{says}: {num} of {rows} right": "{says}：{rows} 中答对 {num}",
    "{says}: {num} of {rows}": "{says}：{rows}中的 {num}",
    "Rows of the picture are the true classes, columns the predicted ones; the stronger the colour of a cell, the larger "
    "its share of the row. Right answers stand on the diagonal.":
        "图的行是真实类别，列是预测类别；格子颜色越深，在该行中所占比例越大。对角线上是正确的回答。",
    "The {num} of {all} classes with the most mistakes are drawn.": "只画出错误最多的 {num} 类（共 {all} 类）。",
    "the {num} of {all} classes with the most mistakes": "错误最多的 {num} 类（共 {all} 类）",
    "Labels that the model never saw in training:": "模型训练时没有见过的标签：",
    "* a label that the model never saw in training": "* 模型训练时没有见过的标签",
    "{what}: test rows, {name}": "{what}：测试数据，{name}",
    "{what}: validation rows, {name}": "{what}：验证数据，{name}",
    "Reliability": "可靠性",
    "Confusion matrix": "混淆矩阵",
    "Confusion matrix, in rows.": "混淆矩阵，以行数计。",
    "Confusion matrix of {num} classes: {right} of {rows} right": "{num} 类的混淆矩阵：{rows}中答对 {right}",
    "The number of a cell shows when the pointer rests on it.": "指针停在格子上会显示数目。",
    "Most frequent mistakes": "最常见的错误",
    "true": "真实",
    "predicted": "预测",
    "predicted as": "预测为",
    "predicted as →": "预测为 →",
    "← true": "← 真实",
    "rows": "行数",
    "of the class": "占该类",
    "None: every row is right.": "没有：每一行都答对了。",
    "{true} predicted as {said}": "{true} 预测为 {said}",
    "blue right, orange wrong; darker: more of the row": "蓝色正确，橙色错误；颜色越深，占该行越多",
    "Half of the predictions are within {median} of the truth; on average they are off by {mean}.":
        "一半的预测与真值相差不超过 {median}；平均相差 {mean}。",
    "Each dot is a row. On the dashed line the prediction is right; above it, it is too high.":
        "每个点是一行。虚线上的预测正确；在虚线上方则偏高。",
    "true {name}": "真实的 {name}",
    "Predicted against true {name}, {rows}; on the dashed line it is right": "{name} 的预测与真值，{rows}；虚线上为正确",
    "Predicted against true": "预测与真值",
    "{rows}, off by {off} on average": "{rows}，平均相差 {off}",
    "on the line is right": "线上为正确",
    "a dot for every few rows": "每几行画一个点",
    "Each class": "每个类别",
    "Precision, recall and F1 of each class": "每个类别的精确率、召回率和 F1",
    "class": "类别",
    "Precision: of the rows predicted as the class, how many are. Recall: of the rows of the class, how many are found. "
    "F1 is both in one number.": "精确率：预测为该类的行中，真是该类的比例。召回率：该类的行中，找出来的比例。F1 把两者合成一个数。",
    "The {num} of {all} classes with the most rows are listed.": "只列出行数最多的 {num} 类（共 {all} 类）。",
    "Each threshold": "每个阈值",
    "Each class against the rest; beside its name stands the area under its curve.":
        "每个类别对其余类别；名称旁是曲线下面积。",
    "each class against the rest; beside its name the area": "每个类别对其余类别；名称旁是面积",
    "Beside the name of the class stands the area under its curve.": "类别名称旁是曲线下面积。",
    "On the dashed line the classes are told apart no better than by chance.": "在虚线上，区分各类不比偶然更好。",
    "ROC curve": "ROC 曲线",
    "precision-recall curve": "精确率-召回率曲线",
    "false positive rate": "假阳性率",
    "true positive rate": "真阳性率",
    "Area under the {curve} of each class:": "每个类别的{curve}下面积：",
    # its calibration
    "When the confidence is 80&nbsp;%, the answer should be right in 80&nbsp;% of such rows. The hatched part is the gap "
    "between confidence and accuracy; on the dashed line there is none.":
        "置信度为 80&nbsp;% 时，这样的行应有 80&nbsp;% 答对。斜线部分是置信度与准确率之差；在虚线上没有差。",
    "A temperature, one number that sharpens or softens every answer, was tried on validation rows and made the "
    "probabilities no better where all that it looks at is there: they stay as the model says them.":
        "在验证数据上试过温度（使每个回答更尖锐或更平缓的一个数），在所看的都在场时没有使概率更好：概率保持模型所说的。",
    "A temperature, one number that sharpens or softens every answer, was tried on validation rows and made the "
    "probabilities no better: they stay as the model says them.":
        "在验证数据上试过温度（使每个回答更尖锐或更平缓的一个数），没有使概率更好：概率保持模型所说的。",
    "Its probabilities were corrected with one number, the temperature {heat}, found on validation rows (above 1: it was "
    "overconfident).": "它的概率用一个数校正过：在验证数据上求得的温度 {heat}（大于 1：它过于自信）。",
    "Its probabilities were corrected with one number, the temperature {heat}, found on validation rows (below 1: it was "
    "underconfident).": "它的概率用一个数校正过：在验证数据上求得的温度 {heat}（小于 1：它自信不足）。",
    "Given less than all that it looks at, it has another temperature, found with the rest hidden:":
        "只给出一部分时，它用另一个温度，在遮住其余部分时求得：",
    "Given less than all that it looks at, it has another temperature for each of {num} sets, found with the rest "
    "hidden: {low} to {high}": "只给出一部分时，{num} 种组合各用另一个温度，在遮住其余部分时求得：{low} 到 {high}",
    "The temperature of each set": "每种组合的温度",
    "temperature": "温度",
    "; at 500 only the shares of the classes are left.": "；到 500 就只剩各类的比例。",
    "before": "校正前",
    "after": "校正后",
    "Calibration in numbers": "校准的数字",
    "measure": "量",
    "change, with 95&nbsp;% interval": "变化，附 95&nbsp;% 区间",
    "its probabilities are": "它的概率",
    "expected calibration error": "期望校准误差",
    "mean gap, 0 is best; in brackets what chance alone makes": "平均差距，0 最好；括号内是单凭偶然会有的",
    "Brier score": "Brier 分数",
    "squared distance to the truth, 0 is best, 2 is worst": "与真实的平方距离，0 最好，2 最差",
    "Of fewer than 500 rows the expected calibration error is mostly chance, so it is not given.":
        "少于 500 行时，期望校准误差多半是偶然，所以不给出。",
    "{word}: expected calibration error {error}; by chance alone {low} to {high}":
        "{word}：期望校准误差 {error}；单凭偶然为 {low} 到 {high}",
    "confidence {confidence} on average, right in {accuracy} of {rows}": "平均置信度 {confidence}，{rows}中答对 {accuracy}",
    "confidence {confidence}, right in {accuracy} of {rows}": "置信度 {confidence}，{rows}中答对 {accuracy}",
    "bars: accuracy; hatched: the gap to the confidence": "柱：准确率；斜线：与置信度之差",
    "dashes: as often right as it says": "虚线：答对的与所说的一样多",
    # its robustness, subsets and importance
    "The model was asked again with input that was made worse on purpose, step by step. A curve that stays flat is "
    "robust. All pictures share one {metric} axis.":
        "故意让输入逐步变差，再问模型。曲线平坦就是稳健。所有图共用一条{metric}轴。",
    "Measured on {num} of the {rows}, drawn; a pretrained encoder sees fewer of them again, at fewer steps. More with "
    "<code>--report-rows</code>.":
        "在 {rows}中抽取的 {num} 行上测量；预训练编码器再看的更少，步数也更少。用 <code>--report-rows</code> 可取更多。",
    "Robustness in numbers": "稳健性的数字",
    "what": "做法",
    "untouched": "原样",
    "strongest change": "改动最强时",
    "area": "面积",
    "Area: the area under the curve, which is the mean {metric} from untouched to the strongest change.":
        "面积：曲线下的面积，即从原样到改动最强时的平均{metric}。",
    "a modality goes missing": "缺少一个模态",
    "{name} from {first} to {last}": "{name} 从 {first} 到 {last}",
    "The one model, given only some of its modalities (● given, ○ withheld), over the rows that have at least one of "
    "them.": "同一个模型，只给出部分模态（● 给出，○ 不给），取至少含有其一的行。",
    "The last column is another model, trained on that modality only: where it is clearly better, the fused model gives "
    "up something when the rest is missing.": "最后一列是只用该模态训练的另一个模型：如果它明显更好，说明其余缺失时融合模型有所损失。",
    "Scores with only some modalities": "只有部分模态时的成绩",
    "Scores with other combinations of modalities": "其他模态组合的成绩",
    "The other {combinations}": "其余 {combinations}",
    "trained on it alone": "只用它训练",
    "given": "给出",
    "withheld": "不给",
    ": no rows": "：没有行",
    "What each modality adds to {metric} on {tests}, which is {prior} with nothing known and {value} with all: its "
    "Shapley value, which compares the score with and without it over every combination of the others. Nothing is made "
    "up for what is left out: the model knows how to answer without it.":
        "每个模态给 {tests}上的{metric}增加多少；什么都不知道时为 {prior}，全部给出时为 {value}：这是它的 Shapley 值，"
        "在其他模态的每种组合下比较有它和没有它的成绩。去掉的部分没有用任何东西代替：模型知道没有它时如何作答。",
    "A gain is what the {metric} falls by.": "增益就是{metric}下降的量。",
    "What each modality adds to the score, with 95 % intervals": "每个模态给成绩增加多少，附 95 % 区间",
    "What each modality adds to the score": "每个模态给成绩增加多少",
    "Gains in points (hundredths) with their 95&nbsp;% intervals.": "以百分点计的增益，附 95&nbsp;% 区间。",
    "Gains with their 95&nbsp;% intervals.": "增益，附 95&nbsp;% 区间。",
    "Where the line crosses the dashed one, these rows cannot tell whether the modality adds anything.":
        "线段跨过虚线时，这些行不能说明该模态是否有贡献。",
    "Together": "合在一起",
    "Pairs of modalities": "成对的模态",
    "pair": "成对",
    "together": "合在一起",
    "the better alone": "较好的单个",
    "gain": "增益",
    "The one model, given only these modalities of the same rows.": "同一个模型，对同样的行只给出这些模态。",
    "What the model listened to": "模型听取了什么",
    "How much each modality counts in the answers, right or wrong, over {rows}: its Shapley value for the answer.":
        "在 {rows}上，每个模态在回答中（无论对错）的分量：它对回答的 Shapley 值。",
    "These rows are drawn from {num}.": "这些行是从 {num} 行中抽取的。",
    "The shares add up to 100&nbsp;%; <i>adds on average</i> is what it adds to the predicted value.":
        "各份额合计 100&nbsp;%；<i>平均增加</i>是它给预测值增加的量。",
    "The shares add up to 100&nbsp;%; <i>adds on average</i> is what it adds to the probability of the answer.":
        "各份额合计 100&nbsp;%；<i>平均增加</i>是它给回答的概率增加的量。",
    "How much each modality counts": "每个模态的分量",
    "share": "份额",
    "adds on average": "平均增加",
    # its explained rows
    "How each answer comes about, and what counted inside each modality. Everywhere "
    '<span class="nowrap"><i class="key for"></i> blue speaks for the answer</span> and '
    '<span class="nowrap"><i class="key against"></i> orange against it</span>.':
        "每个回答从何而来，以及每个模态里什么起了作用。"
        '<span class="nowrap"><i class="key for"></i> 蓝色支持这个回答</span>，'
        '<span class="nowrap"><i class="key against"></i> 橙色反对</span>。',
    "Pictures: the solid frame marks the strongest place for the answer, the dashed one the strongest against. Sounds: "
    "below the spectrogram, bars up are for the answer, bars down against. Texts: a solid line under a word is for, a "
    "dashed one against; the thicker, the stronger. Within a row, bars and lines share one scale.":
        "图片：实线框是最支持回答的地方，虚线框是最反对的地方。声音：频谱图下方，向上的柱支持，向下的柱反对。"
        "文本：词下的实线支持，虚线反对；越粗越强。同一行内，柱和线用同一比例。",
    "Row {row}": "第 {row} 行",
    "Predicted as <b><bdi>{said}</bdi></b>, confidence {share}": "预测为 <b><bdi>{said}</bdi></b>，置信度 {share}",
    "Predicted as <b><bdi>{said}</bdi></b>": "预测为 <b><bdi>{said}</bdi></b>",
    "; true is <b>{target}</b>, off by {off}": "；真实为 <b>{target}</b>，相差 {off}",
    "; true is <b><bdi>{target}</bdi></b>": "；真实为 <b><bdi>{target}</bdi></b>",
    "Some is missing: <bdi>{reason}</bdi>.": "有缺失：<bdi>{reason}</bdi>。",
    "From what it says with nothing known to the probability of <bdi>{said}</bdi>.":
        "从什么都不知道时的回答，到 <bdi>{said}</bdi> 的概率。",
    "From what it says with nothing known to its answer.": "从什么都不知道时的回答，到它的回答。",
    "<bdi>{pair}</bdi>: together {together}, the better alone (<bdi>{better}</bdi>) {best}: {gain}.":
        "<bdi>{pair}</bdi>：合在一起 {together}，较好的单个（<bdi>{better}</bdi>）{best}：{gain}。",
    "nothing known": "一无所知",
    "the answer": "回答",
    "How the answer comes about:": "回答从何而来：",
    "The course of the series; blue stretches count for the answer, orange ones against it": (
        "序列的走势；蓝色的一段支持这个答案，橙色的一段反对"
    ),
    "Which seconds counted; most: {start} to {end} s": "哪几秒起了作用；最多：{start} 到 {end} 秒",
    "The picture of row {row}, {name}": "第 {row} 行的图片，{name}",
    "What counted in the picture: blue for the answer, orange against": "图片中起作用的部分：蓝色支持回答，橙色反对",
    "Spectrogram of row {row}, {name}: time to the right, pitch upwards": "第 {row} 行的频谱图，{name}：向右为时间，向上为音高",
    "The sound of row {row}, {name}": "第 {row} 行的声音，{name}",
    "column": "列",
    "value": "值",
    "counted": "作用",
    "amount": "大小",
    # its cost, its learning curve, and how to repeat it
    "{metric} on validation rows against the latency per row. On the line nothing is both faster and better; the star is "
    "the winner. A candidate far behind stands at the edge.":
        "验证数据上的{metric}与每行延迟。线上的候选没有哪个更快又更好；星号是优胜者。落后很多的画在边上。",
    "On the line": "线上的候选模型",
    "{ms} ms per row": "每行 {ms} 毫秒",
    "{name}: {score}, {ms} ms per row": "{name}：{score}，每行 {ms} 毫秒",
    "latency per row, ms (each step: a multiple)": "每行延迟，毫秒（每格为倍数）",
    "{metric} against latency per row of {candidates}; on the line:": "{candidates}的{metric}与每行延迟；线上：",
    "The cost of the best candidates": "最好的候选模型的代价",
    "The cost of the other candidates": "其余候选模型的代价",
    "The winner, trained on parts of the training rows; {metric} on validation rows with 95&nbsp;% intervals. Each step "
    "across is a multiple of rows. A curve that still rises says that more rows would help.":
        "优胜者用一部分训练数据学习；验证数据上的{metric}，附 95&nbsp;% 区间。横轴每格为行数的倍数。"
        "仍在上升的曲线说明更多的行会有帮助。",
    "training rows": "训练行数",
    "Learning curve": "学习曲线",
    "the winner, learned from parts of the rows, on validation rows": "优胜者用一部分行学习，在验证数据上",
    "bars: 95 % intervals": "线段：95 % 区间",
    "The same command on the same table gives the same result on the same kind of machine.":
        "同样的命令、同样的表，在同类机器上得到同样的结果。",
    "The command": "命令",
    "All {options}": "全部 {options}",
    "table": "表",
    "SHA-256 of the table": "表的 SHA-256",
    "seed": "随机种子",
    "when": "时间",
    "Written by plait {version}. This file is complete: it loads nothing from anywhere.":
        "由 plait {version} 写成。本文件是完整的：不从任何地方加载内容。",
    # further pictures
    "Training": "训练",
    "epoch": "轮次",
    "best value first": "最好的在前",
    "the {num} best of {candidates}": "{candidates}中最好的 {num} 个",
    "below: loss, grey line training, blue dashes validation": "下方：损失，灰线为训练，蓝色虚线为验证",
    "{metric} on validation": "验证{metric}",
    "{metric} on rows that it did not learn from": "它没有学过的行上的{metric}",
}  # fmt: skip
