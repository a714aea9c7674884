"""Quick start: learn a metric, use it in front of a classifier, and see how well it is known.

`LMNN` is a transformer like any other of scikit-learn: put it between a scaler and a k-NN classifier. Beside the usual
``components_`` it keeps an interval that holds the optimum: no metric at all has an objective below
``lower_bound_``, and the one that was found has ``objective_``.

What you see. On the left the interval closes round by round: the upper edge is the best metric so far, the lower edge
is what has been proved about all others. On the right are the wines in the first two of the learned coordinates; in
them the learned distance is the plain Euclidean one. Hollow points were not seen in training.
"""

import matplotlib.pyplot as plt
from matplotlib.ticker import MaxNLocator
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from _common import interval, save_picture, scientific
from lmnn_sdp import LMNN

X, y = load_wine(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, stratify=y, random_state=0)

plain = make_pipeline(StandardScaler(), KNeighborsClassifier(3)).fit(X_train, y_train)
model = make_pipeline(StandardScaler(), LMNN(n_neighbors=3, tol=1e-6), KNeighborsClassifier(3)).fit(X_train, y_train)
lmnn = model.named_steps["lmnn"]

print(interval(lmnn.lower_bound_, lmnn.objective_, "0.01"))
print(f"{lmnn.solution_.certificate.rank} of {X.shape[1]} directions kept by the optimum itself")
print(f"right on new wines: {plain.score(X_test, y_test):.1%} Euclidean, {model.score(X_test, y_test):.1%} learned")

figure, (interval, points) = plt.subplots(1, 2, figsize=(9.2, 3.9))
history = lmnn.solution_.history
rounds = range(len(history))
lower, upper = [row.lower_bound for row in history], [row.objective for row in history]
interval.fill_between(rounds, lower, upper, color="C0", alpha=0.2, label="holds the optimum")
interval.plot(rounds, upper, color="C0", marker="o", label="objective of the best metric")
interval.plot(rounds, lower, color="C1", marker="s", label="proved lower bound")
interval.xaxis.set_major_locator(MaxNLocator(integer=True))
interval.set(xlabel="round", ylabel="objective", title=f"Proved to a gap of {scientific(lmnn.relative_gap_)}")
interval.legend(loc="lower right")

train, test = model[:-1].transform(X_train)[:, :2], model[:-1].transform(X_test)[:, :2]
for label, marker in enumerate("osD"):
    style = {"marker": marker, "s": 26, "edgecolor": f"C{label}"}
    points.scatter(*train[y_train == label].T, color=f"C{label}", label=f"wine {label}", **style)
    points.scatter(*test[y_test == label].T, facecolor="white", **style)
points.scatter([], [], s=26, facecolor="white", edgecolor="black", label="hollow: not seen in training")
points.set(xlabel="learned coordinate 1", ylabel="learned coordinate 2", title="Learned coordinates part the wines")
points.legend()
save_picture(figure)
