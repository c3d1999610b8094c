// Speed of oneDNN's fp32 convolutions of 3x3, forward and both gradients, on one thread, by that thread's processor time. Prints
// billions of operations a second as JSON. Argument: how many times each is timed.
//
//   g++ -O2 -std=c++17 -fopenmp onednn.cpp -ldnnl -o onednn && OMP_NUM_THREADS=1 ./onednn 5
#include <dnnl.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

using namespace dnnl;

static double seconds() {
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

struct Rate {
    std::string name;
    double median, least, most;
};

// Times a primitive after two calls that warm up.
static Rate time(const std::string &name, double operations, int repeats, const std::function<void()> &call) {
    call();
    call();
    std::vector<double> rates;
    for (int i = 0; i < repeats; i++) {
        double start = seconds();
        call();
        rates.push_back(operations / (seconds() - start) / 1e9);
    }
    std::sort(rates.begin(), rates.end());
    size_t n = rates.size();
    return {name, (rates[(n - 1) / 2] + rates[n / 2]) / 2, rates.front(), rates.back()};
}

int main(int argc, char **argv) {
    int repeats = argc > 1 ? std::atoi(argv[1]) : 5;
    const long images = 128;
    const long shapes[][2] = {{32, 32}, {64, 28}, {64, 32}, {128, 16}, {256, 8}};  // channels, height and width
    engine cpu(engine::kind::cpu, 0);
    stream on(cpu);
    auto memory_of = [&](const memory::desc &d) {
        memory m(d, cpu);
        auto *p = static_cast<float *>(m.get_data_handle());
        for (size_t i = 0; i < d.get_size() / sizeof(float); i++) p[i] = float(i % 7) * 0.1f;
        return m;
    };
    std::vector<Rate> rates;
    for (auto &shape : shapes) {
        long c = shape[0], size = shape[1];
        // The layout is left to the library, as its users leave it.
        auto any = [](memory::dims d) { return memory::desc(d, memory::data_type::f32, memory::format_tag::any); };
        memory::desc x = any({images, c, size, size}), w = any({c, c, 3, 3}), y = x;
        memory::dims stride{1, 1}, pad{1, 1};
        auto direct = algorithm::convolution_direct;
        convolution_forward::primitive_desc forward({prop_kind::forward_training, direct, x, w, y, stride, pad, pad}, cpu);
        convolution_backward_data::primitive_desc dx({direct, x, w, y, stride, pad, pad}, cpu, forward);
        convolution_backward_weights::primitive_desc dw({direct, x, w, y, stride, pad, pad}, cpu, forward);
        double operations = 2.0 * double(images * size * size * c * c * 9);
        std::string name = std::to_string(c) + "@" + std::to_string(size) + "x" + std::to_string(size) + " ";
        auto add = [&](const char *what, const primitive &p, const std::unordered_map<int, memory> &arguments) {
            rates.push_back(time(name + what, operations, repeats, [&] {
                p.execute(on, arguments);
                on.wait();
            }));
        };
        add("forward", convolution_forward(forward),
            {{DNNL_ARG_SRC, memory_of(forward.src_desc())},
             {DNNL_ARG_WEIGHTS, memory_of(forward.weights_desc())},
             {DNNL_ARG_DST, memory_of(forward.dst_desc())}});
        add("dX", convolution_backward_data(dx),
            {{DNNL_ARG_DIFF_SRC, memory_of(dx.diff_src_desc())},
             {DNNL_ARG_WEIGHTS, memory_of(dx.weights_desc())},
             {DNNL_ARG_DIFF_DST, memory_of(dx.diff_dst_desc())}});
        add("dW", convolution_backward_weights(dw),
            {{DNNL_ARG_SRC, memory_of(dw.src_desc())},
             {DNNL_ARG_DIFF_WEIGHTS, memory_of(dw.diff_weights_desc())},
             {DNNL_ARG_DIFF_DST, memory_of(dw.diff_dst_desc())}});
    }
    const auto *v = dnnl_version();
    std::printf("{\"threads\": 1, \"versions\": {\"oneDNN\": \"%d.%d.%d\"}, \"figures\": {", v->major, v->minor, v->patch);
    for (size_t i = 0; i < rates.size(); i++)
        std::printf("%s\"%s\": {\"median\": %.2f, \"min\": %.2f, \"max\": %.2f, \"repeats\": %d}", i ? ", " : "", rates[i].name.c_str(),
                    rates[i].median, rates[i].least, rates[i].most, repeats);
    std::printf("}}\n");
}
