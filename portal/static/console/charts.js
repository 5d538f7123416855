// Draws the charts of a page from their JSON; without it the table below tells the same.
(() => {
  "use strict";

  const LEFT = ["新会员", "活跃会员", "发券", "用券", "消费笔数", "签到", "发放", "核销", "有效新客", "入会", "达成", "已奖励", "扫码", "新关注", "触达"];
  const RIGHT = ["发放积分", "使用积分", "过期积分", "消费净额", "优惠成本"];

  function options(data) {
    const shown = data.series.filter((one) => LEFT.includes(one.name) || RIGHT.includes(one.name));
    return {
      animation: false,
      color: ["#2563eb", "#059669", "#d97706", "#dc2626"],
      grid: { left: 48, right: 64, top: 48, bottom: 28 },
      legend: { top: 0, left: 0 },
      // Rich text: an HTML tooltip would need inline style, which the page's policy forbids.
      tooltip: { trigger: "axis", renderMode: "richText" },
      xAxis: { type: "category", data: data.names || data.days.map((day) => day.slice(5)), axisTick: { show: false } },
      yAxis: [
        { type: "value", name: data.axes[0], minInterval: 1 },
        { type: "value", name: data.axes[1], splitLine: { show: false } },
      ],
      series: shown.map((one) => ({
        name: one.name,
        // Between names there is nothing to draw a line through.
        type: data.names || LEFT.includes(one.name) ? "bar" : "line",
        yAxisIndex: LEFT.includes(one.name) ? 0 : 1,
        barMaxWidth: 12,
        showSymbol: false,
        data: one.figures,
      })),
    };
  }

  async function draw(box) {
    const table = box.parentElement.querySelector(".chart-table");
    try {
      const answer = await fetch(box.dataset.chart, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const chart = window.echarts.init(box);
      chart.setOption(options(await answer.json()));
      window.addEventListener("resize", () => chart.resize());
    } catch (_error) {
      box.remove();
      if (table) table.open = true;
    }
  }

  document.querySelectorAll("[data-chart]").forEach(draw);
})();
