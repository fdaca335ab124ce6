"""Twenty calls as a user writes them, for type checkers to read; nothing runs it. test_signatures.py says what for."""

from pathlib import Path

import plait

table = plait.read("patients.csv", folder="media")
shown = plait.show(table, target="sick", split="part", kinds={"age": "number"})
findings = plait.check(table, target="sick", group="patient", ignore=["id"], learning_curve=True)
model = plait.fit(table, target="sick", out="run", candidates=["alone", "late"], time_limit=60, seed=1)
print(model.leaderboard[0]["name"], model.classes, model.study.verdict["sentence"])
both = plait.fit(table, target=["sick", "days"], fusion="parallel(image, text)", prep={"audio.denoise": True})
pairs = plait.fit("pairs.parquet", pairs=True, encoders={"image": "lite0"}, out=Path("space"), overwrite=True)
answers = model.predict({"age": [34, None]}, keep=["age"])
print(len(answers), answers.labels[0], answers.status, answers.to_arrow())
written = plait.predict("run", "new.csv", out="answers.csv", keep=("id",))
scores = plait.evaluate(model, table)["metrics"]["accuracy"]["value"]
explanation = plait.explain(model, table, row=3, out="row.html")
loaded = plait.load("run")
assert isinstance(loaded, plait.Model)
print(loaded.prior, loaded.modalities, loaded.summary())
exported = plait.export(loaded, to="onnx", out="model.onnx")
vectors = plait.embed(loaded, table, aim="rows")
index = plait.index(loaded, table, "found")
hits = plait.search(index, {"photo": ["a.png"]}, into="audio", top=3)
aligned = plait.align("a.csv", "b.wav", time={"a.csv": "t"}, tolerance=0.5)
converted = plait.convert("sign.png", "sign.wav")
app = plait.serve(loaded, batch=8, token="secret")
kept = plait.cache(limit="2GB")
named = plait.fit(table, {"sick": ["yes", "no"], "days": [3, 0]}, candidates="classic")
print(both["sick"].classes, named.targets, named["days"].prior)
classifier = plait.Classifier(epochs=3, candidates=["classic"], kinds={"age": "number"}).fit(table, ["yes", "no"])
